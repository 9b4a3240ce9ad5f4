package ob

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Object is implemented by every type that embeds a [Header], such as tokens, threads, processes, events and files.
type Object interface {
	// Head returns the object's header. It is never nil and never changes.
	Head() *Header
}

// Type is one type of object: its documented description and the hooks of an object's life. It is immutable once an
// object of the type exists. Hooks run with no lock held and may be nil.
type Type struct {
	*winnt.ObjectType

	// OnLastHandle runs each time the handle count falls to zero (O-44). An
	// object that can still be opened by pointer may gain handles again, so it
	// may run more than once; the object is referenced while it runs.
	OnLastHandle func(Object)

	// OnDestroy runs once, when the last reference is gone (O-44). No caller can reach the object.
	OnDestroy func(Object)

	// AddRights returns the rights of a handle with the implied ones added (O-36). It must not remove any.
	AddRights func(granted winnt.AccessMask) winnt.AccessMask

	// Opens returns the object that an open of this type's object yields a handle
	// to, with one reference (TagCall). OpensAs is that object's type: opening a
	// device yields a file. rest is the path after the object. nil means that the
	// open yields the object itself.
	Opens   func(o Object, rest string) (Object, ntstatus.Status)
	OpensAs *Type

	// Parses reports that an object of this type, such as a device, parses the rest of a path itself. The walk stops
	// at the object and returns the rest in [Place].Rest.
	Parses bool
}

// Tag identifies the holder of a reference. Builds with the tag "invariants" keep one count per tag for leak reports;
// other builds ignore it.
type Tag uint8

// Holders of references.
const (
	TagCall          Tag = iota // a service that is running; also the creator's first reference
	TagHandle                   // an entry of a handle table
	TagImpersonation            // a thread's impersonation record
	TagPrimary                  // a process's primary token
	TagContext                  // a captured client context
	TagSaved                    // a saved impersonation state, to be restored
	TagLink                     // an object that points at its parent or peer
	TagName                     // a directory entry
	TagThread                   // a thread that points at its process
	TagProcess                  // a process's list of threads, a job's list of processes
	TagSystem                   // the system's own objects
	numTags
)

var tagNames = [numTags]string{"call", "handle", "impersonation", "primary", "context", "saved", "link", "name",
	"thread", "process", "system"}

// String returns the lower-case name of the holder, "unknown" for a value that is not defined.
func (t Tag) String() string {
	if t < numTags {
		return tagNames[t]
	}
	return "unknown"
}

// mapDesired replaces generic bits by the type's rights (O-21). Tokens do not support SYNCHRONIZE: it is dropped
// (O-21).
func (t *Type) mapDesired(m winnt.AccessMask) winnt.AccessMask {
	m = t.Mapping.Map(m)
	if t.ObjectType == winnt.TokenObject {
		// SYNCHRONIZE has no meaning on a token, so it is removed (O-21, T-7).
		m &^= winnt.SYNCHRONIZE
	}
	return m
}

// addRights adds the rights that a granted access implies for objects of the type (O-36), by the type's AddRights.
// Without that function it returns granted.
func (t *Type) addRights(granted winnt.AccessMask) winnt.AccessMask {
	if t.AddRights == nil {
		return granted
	}
	return granted | t.AddRights(granted)
}
