//! The vehicle gateway: streams the real highway minute, ten times as fast as it was recorded.
