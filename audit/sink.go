package audit

import (
	"errors"

	"github.com/refmon/refmon/sid"
)

// Sink takes records. Write is called from any goroutine, never with a lock
// held, and after the decision that the record describes. The sink gives the
// record its number.
//
// A nil error means that the record is kept, as well as the sink promises: in
// memory for [Memory], on disk for a durable log. An error means that it is
// not; the policy says whether the operation then fails (see [Log.Write]).
type Sink interface {
	Write(e Event) error
}

// Names finds the account behind a SID for the name and domain fields of a
// record. ok false makes both of them "-"; the SID is recorded in any case.
type Names interface {
	Account(s sid.SID) (name, domain string, ok bool)
}

// ErrFull is returned by a bounded sink for a record it has no room for. It
// has counted the loss and announces it later (U-65).
var ErrFull = errors.New("audit queue is full: read or drain it, or raise its limit")
