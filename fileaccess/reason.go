package fileaccess

import (
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/winnt"
)

// ReasonKind is the kind of rule that decided a bit of an open. The zero value
// is no reason.
type ReasonKind uint8

// Kinds of reasons.
const (
	FromAccess ReasonKind = iota + 1 // the access check of the object: see Reason.Access
	Intent                           // Reason.Privilege, by intent (F-20) or for an implied right (F-34)
	// the directory's right Reason.Right, entry Reason.Access.Index (F-42, F-43)
	ParentAllow
	ParentDeny        // the directory did not grant Reason.Right
	ShareMask         // outside what the share allows (F-6, F-8)
	ReadOnlyAttribute // the file is read-only (F-38, F-39, F-41)
	ReadOnlyVolume    // the volume is (F-39, F-41)
	Creator           // the creator of an object gets its request (F-32)
	TraverseDenied    // directory Reason.Component on the way may not be passed (F-23)
	AttributeMismatch // hidden or system, and not repeated (F-35)
	NoDescriptor      // the object has no descriptor, which grants nothing (F-101)
	Unreached         // the open was refused before the bit was looked at
)

var reasonNames = [...]string{
	FromAccess: "Access", Intent: "Intent", ParentAllow: "ParentAllow", ParentDeny: "ParentDeny", ShareMask: "ShareMask",
	ReadOnlyAttribute: "ReadOnlyAttribute", ReadOnlyVolume: "ReadOnlyVolume", Creator: "Creator",
	TraverseDenied:    "Traverse",
	AttributeMismatch: "AttributeMismatch", NoDescriptor: "NoDescriptor", Unreached: "Unreached",
}

// String returns the name of the kind. An unknown kind is given by its number.
func (k ReasonKind) String() string {
	if int(k) < len(reasonNames) && reasonNames[k] != "" {
		return reasonNames[k]
	}
	return "ReasonKind(" + strconv.Itoa(int(k)) + ")"
}

// Reason is the reason why one bit was granted or refused. The zero value is no
// reason.
type Reason struct {
	Kind ReasonKind
	// of FromAccess: of the object's check; of ParentAllow and ParentDeny: of the directory's
	Access    access.Reason
	Privilege winnt.Privilege  // of Intent
	Right     winnt.AccessMask // of ParentAllow and ParentDeny: the directory's right
	Component int              // of TraverseDenied: index in Facts.Path
}

// String returns the kind and its details: "ParentAllow 0x40 AceAllow DACL 0". Other kinds print their name alone. A
// zero access reason is omitted.
func (r Reason) String() string {
	switch r.Kind {
	case FromAccess:
		return r.Access.String()
	case Intent:
		return "Intent " + r.Privilege.String()
	case ParentAllow, ParentDeny:
		s := r.Kind.String() + " " + winnt.DirectoryFileObject.RightName(r.Right)
		if r.Access.Kind != 0 {
			s += " " + r.Access.String()
		}
		return s
	case TraverseDenied:
		return "Traverse " + strconv.Itoa(r.Component)
	}
	return r.Kind.String()
}

// Words returns why the right, called "it", was granted or refused, for people: "the directory decides: no entry grants
// FILE_ADD_FILE". An unknown kind is given by its number.
func (r Reason) Words(granted bool) string {
	switch r.Kind {
	case FromAccess:
		return r.Access.Words(granted, "it")
	case Intent:
		return r.Privilege.String() + " grants it"
	case ParentAllow, ParentDeny:
		if r.Access.Kind != 0 {
			return "the directory decides: " + r.ParentWords("")
		}
		return r.ParentWords("the directory")
	case ShareMask:
		return "the share does not allow it"
	case ReadOnlyAttribute:
		return "the file is read-only"
	case ReadOnlyVolume:
		return "the volume is read-only"
	case Creator:
		return "the creator of a file gets what it requests"
	case TraverseDenied:
		return "directory " + strconv.Itoa(r.Component+1) + " of the path may not be traversed"
	case AttributeMismatch:
		return "the file is hidden or system, and the request does not repeat that attribute"
	case NoDescriptor:
		return "the object has no descriptor, which grants nothing"
	case Unreached:
		return "the open was refused before this right was checked"
	}
	return r.Kind.String()
}

// ParentWords returns, for people, why the directory of a file granted or refused a right on it, such as deletion. The
// kind must be ParentAllow or ParentDeny. If the access check has a reason, the text is in its words; else it begins
// with name, which stands for the directory.
func (r Reason) ParentWords(name string) string {
	right, granted := winnt.DirectoryFileObject.RightName(r.Right), r.Kind == ParentAllow
	switch {
	case r.Access.Kind != 0:
		return r.Access.Words(granted, right)
	case granted:
		return name + " grants " + right
	}
	return name + " does not grant " + right
}

// Message returns the code of the reason in audit records. It is 1811 for a
// right that the directory granted, and 1812 for a creation that it refused. It
// is 1805 for a right that both object and directory refused, and for limits
// that have no code of their own (F-80). It is 1801 for Intent and Creator, which grant, and 1809 for
// NoDescriptor and Unreached. It is 0 for FromAccess, whose codes are in package
// audit.
func (r Reason) Message() uint16 {
	switch r.Kind {
	case ParentAllow:
		// The directory granted the right (F-80).
		return 1811
	case ParentDeny:
		if r.Right == winnt.FILE_DELETE_CHILD || r.Right == winnt.FILE_LIST_DIRECTORY {
			// Neither the object nor the directory granted the right (F-80).
			return 1805
		}
		// The directory refused the creation (F-80).
		return 1812
	case ShareMask, ReadOnlyAttribute, ReadOnlyVolume, AttributeMismatch, TraverseDenied:
		// These limits have no code of their own (F-80).
		return 1805
	case Intent, Creator:
		return 1801
	case NoDescriptor, Unreached:
		return 1809
	}
	return 0
}

// grants reports whether the kind grants. It is false for FromAccess, whose
// Access says it.
func (k ReasonKind) grants() bool {
	return k == Intent || k == ParentAllow || k == Creator
}
