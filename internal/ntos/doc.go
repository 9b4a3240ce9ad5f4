// Package ntos is the kernel of refmon: the object manager (ob), security (se), processes and threads (ps), and the
// implementation of the services.
//
// Lock order, outermost first. A lock may be taken only while holding locks to its left:
//
//	Jobs → ids → Process → Thread → Table → Directory → Instance → TokenObject → LogonSessions → Log
//
// The lock of a timer is never taken together with another. No lock is held across an access check, an audit write or
// a callback.
//
// Most state needs no lock: the value of a token object, the descriptor of an object, the primary token of a process
// and the impersonation of a thread are atomic pointers to immutable values.
//
// Every service has the same four steps, and their names appear in it as comments: capture (copy and validate
// parameters, touch no state), reference (handles to objects), decide (pure functions over snapshots), and commit
// (which cannot fail, or is one compare-and-swap).
package ntos
