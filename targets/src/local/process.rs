//! One process: started, watched, stopped, killed.
