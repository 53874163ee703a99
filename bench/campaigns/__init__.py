"""Made-up attacks on a made-up organisation, told by five products in the noise of an ordinary month, with labels; and a judge
of whatever puts alerts into groups.
"""
