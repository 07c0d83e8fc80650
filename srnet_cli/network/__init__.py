"""Networks: SRNet and those it is compared with. Imports torch and nothing else of this project."""
