"""The networks as ncnn's layers, for graphics cards through Vulkan and for processors without bf16."""
