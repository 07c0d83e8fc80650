"""Networks: SRNet and everything it is compared with. Imports torch and nothing else of this project."""
