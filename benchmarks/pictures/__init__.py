"""Whose drawings a small denoiser drew on: top-1 drawer against chance, completeness, coverage."""
