"""DNG written: linear pictures of three channels in camera colours."""
