package audit

import (
	"errors"

	"github.com/refmon/refmon/sid"
)

// Sink stores records. Write is called from any goroutine, never with a lock
// held, and after the decision in the record. The sink assigns the number of
// the record.
//
// A nil error means that the sink has kept the record: in memory for [Memory],
// on disk for a durable log. After an error the policy decides whether the
// operation fails (see [Log.Write]).
type Sink interface {
	Write(e Event) error
}

// BatchSink is a sink that keeps the records of one operation together: in order, with no
// other record in between, and all of them or none. The caller keeps ownership of the
// events.
type BatchSink interface {
	Sink
	WriteAll(events []Event) error
}

// LaterSink is a sink that accepts a record without waiting for its disk, and never uses its reserve for
// it. An error means that it did not accept the record.
type LaterSink interface {
	Sink
	WriteLater(e Event) error
}

// Names looks up the account of a SID for the name and domain fields of a
// record. If ok is false, both are "-". The SID is recorded in any case.
type Names interface {
	Account(s sid.SID) (name, domain string, ok bool)
}

// ErrFull is the error of a bounded sink without space for a record. The sink
// has counted the loss and records it later (U-65).
var ErrFull = errors.New("audit queue is full: read or drain it, or raise its limit")
