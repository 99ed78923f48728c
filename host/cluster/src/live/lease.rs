//! A Kubernetes Lease: of several hosts, one acts.
