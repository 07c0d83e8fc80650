"""What a zoom will make and cost, said before it is done."""
