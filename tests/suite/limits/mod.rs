//! What one client or one request may take: time, memory, connections and turns.

mod deadlines;
mod hostile;
mod in_progress;
mod large;
