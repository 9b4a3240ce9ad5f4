package sd

import (
	"encoding/binary"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// editor copies ACEs with changes, for [ACE.WithFlags] and the like. It puts the copies of one list into shared
// memory, so that they take one allocation, and never writes to returned entries again. A nil editor allocates each
// entry; the zero value is ready for use. It is owned by one goroutine.
type editor struct{ room []byte }

// editorRoom is the memory for a few dozen entries with short SIDs.
const editorRoom = 1024

// take returns n bytes of memory for one ACE. A nil editor allocates them; others cut them from a larger block.
func (e *editor) take(n int) []byte {
	if e == nil {
		return make([]byte, n)
	}
	if cap(e.room)-len(e.room) < n {
		e.room = make([]byte, 0, max(n, editorRoom))
	}
	at := len(e.room)
	e.room = e.room[:at+n]
	return e.room[at : at+n : at+n]
}

// withFlags returns a copy of the ACE with other flags. It returns the zero value unchanged.
func (e *editor) withFlags(a ACE, flags uint8) ACE {
	if a.b == "" || a.b[1] == flags {
		return a
	}
	b := e.take(len(a.b))
	copy(b, a.b)
	b[1] = flags
	return ACE{view(b)}
}

// withMask returns a copy of the ACE with another access mask. It returns an ACE of an unknown type unchanged.
func (e *editor) withMask(a ACE, m winnt.AccessMask) ACE {
	if a.Type().Layout() == LayoutUnknown || len(a.b) < 8 || a.Mask() == m {
		return a
	}
	b := e.take(len(a.b))
	copy(b, a.b)
	binary.LittleEndian.PutUint32(b[4:], uint32(m))
	return ACE{view(b)}
}

// withSID returns a copy of the ACE with another trustee, of a compound ACE with another server; everything else
// stays, application data included. It returns the ACE unchanged for the zero SID or an unknown type. If no list can
// hold the result, its size field is wrong, and newACL refuses its length.
func (e *editor) withSID(a ACE, s sid.SID) ACE {
	off := sidOffset(a.b)
	old := a.SID()
	if off < 0 || s.IsZero() || s == old {
		return a
	}
	b := e.take(len(a.b) - old.Len() + s.Len())
	n := copy(b, a.b[:off])
	n += copy(b[n:], s.Binary())
	copy(b[n:], a.b[off+old.Len():])
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return ACE{view(b)}
}
