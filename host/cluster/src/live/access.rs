//! What this host may do on the cluster, asked of the API server itself.
