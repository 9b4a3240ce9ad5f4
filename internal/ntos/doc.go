// Package ntos is the kernel of refmon: the object manager (ob), security (se), processes and threads (ps), and the
// implementation of the services.
//
// Lock order, outermost first. A lock may be taken only while holding locks to its left:
//
//	Jobs → Job → ids → Process → Thread → Table → Directory → FileSystem → Instance → Port → connection →
//	LogonSessions → openClients → laterCharges
//
// Jobs and ids are the locks jobs and mu of [ps.System]. Thread is the lock of a thread's queued calls or of its
// pending I/O. All other locks are leaves: no lock is taken while one of them is held. They are those of [ke.Signal],
// [se.LowBoxes], the shards of [ob.Census], the blocks of package quota, and in package services those of a timer, a
// file position, openShares and PeerRecords.
//
// None of these locks is held across an access check, an audit write or a callback, except the functions that callers
// pass to [se.LogonSessions.Revoke] and [ob.Census.Visit].
//
// Most state needs no lock: the value of a token object, the descriptor of an object, the primary token of a process
// and the impersonation of a thread are atomic pointers to immutable values.
//
// Every service has the same four steps, and their names appear in it as comments: capture (copy and validate
// parameters, touch no state), reference (handles to objects), decide (pure functions over snapshots), and commit
// (which cannot fail, or is one compare-and-swap).
package ntos
