package io.mambabyte.model;

/** The normalisation of a block, decided from the tensors of a checkpoint. */
public enum Norm {
    /** {@code r * w / sqrt(mean(r^2) + eps)}: Hugging Face's layout and mamba-ssm's default. */
    RMS,
    /** {@code (r - mean) / sqrt(var + eps) * w + b}: the published MambaByte code. */
    LAYER
}
