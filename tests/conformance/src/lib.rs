//! Cases over effects that every cluster must answer alike.
