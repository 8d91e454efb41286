//! What `--generate` takes.

/// The words for the texts of `out`, in its order.
pub const NAMES: [&str; 5] =
    ["man", "complete-bash", "complete-zsh", "complete-fish", "settings-md"];
