// Package quota limits the bytes that callers make the kernel hold.
//
// A [Block] models NT's process quota block. The processes of one account share it. A charge beyond its limit is
// STATUS_QUOTA_EXCEEDED. A [Pool] bounds all blocks together. A charge beyond its limit is
// STATUS_INSUFFICIENT_RESOURCES, and a part of it is reserved for administrators. A [Payer] is the block of a
// thread and the client that it impersonates. One client can use at most what the block has left for all others
// . A [Receipt] returns a charge.
//
// Charges estimate the memory on the Go heap and are at least half of it. All types except Receipt are safe for
// concurrent use. The locks are leaves of the lock order in package ntos.
package quota
