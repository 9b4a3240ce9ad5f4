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
func (e *editor) withFlags(ace ACE, flags uint8) ACE {
	if ace.b == "" || ace.b[1] == flags {
		return ace
	}
	b := e.take(len(ace.b))
	copy(b, ace.b)
	b[1] = flags
	return ACE{view(b)}
}

// withMask returns a copy of the ACE with another access mask. It returns an ACE of an unknown type unchanged.
func (e *editor) withMask(ace ACE, mask winnt.AccessMask) ACE {
	if ace.Type().Layout() == LayoutUnknown || len(ace.b) < 8 || ace.Mask() == mask {
		return ace
	}
	b := e.take(len(ace.b))
	copy(b, ace.b)
	binary.LittleEndian.PutUint32(b[4:], uint32(mask))
	return ACE{view(b)}
}

// withSID returns a copy of the ACE with another trustee, or another server SID in a compound ACE. For the zero SID
// or an unknown ACE type the result is ace. If the result is too long for any list, its size field is wrong, and
// newACL rejects it.
func (e *editor) withSID(ace ACE, trustee sid.SID) ACE {
	off := sidOffset(ace.b)
	old := ace.SID()
	if off < 0 || trustee.IsZero() || trustee == old {
		return ace
	}
	b := e.take(len(ace.b) - old.Len() + trustee.Len())
	n := copy(b, ace.b[:off])
	n += copy(b[n:], trustee.Binary())
	copy(b[n:], ace.b[off+old.Len():])
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return ACE{view(b)}
}
