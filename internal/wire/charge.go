package wire

import (
	"fmt"

	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
)

// Payer is an optional interface of a Process whose user is charged for the memory of its connection.
type Payer interface{ Payer() quota.Payer }

// Charges of a connection, in bytes. ConnectionSize includes the first kilobytes of calls and answers. So a user
// without quota can still make one call at a time, for example to close handles.
const (
	ConnectionSize = 24 << 10 // buffers, tables and goroutines
	freeBytes      = 4 << 10  // of calls, and of answers that were not taken
	frameSize      = 256      // in addition to its body
	waitSize       = 4 << 10  // a waiting call, in addition to its frame
	laterSize      = 1 << 10  // a started operation, in addition to its bytes
)

// payer returns the payer of the connection's memory, or the zero Payer if nobody is charged.
func (s *Server) payer() quota.Payer {
	if p, ok := s.process.(Payer); ok {
		return p.Payer()
	}
	return quota.Payer{}
}

// chargeLocked charges the bytes of a call, and more bytes, to the user until the call is answered. A connection
// that holds at most freeBytes is not charged. Beyond that, the call is charged for all its bytes. A charged call
// keeps its charge if more is 0, and gets a new one if not. If the user cannot pay, the call has no charge, and the
// status is that of the quota.
//
// +checklocks:s.mu
func (s *Server) chargeLocked(f *Frame, more int) (st ntstatus.Status) {
	if f.paid.Bytes() != 0 && more == 0 {
		return ntstatus.Success // the frame was charged before its body was read
	}
	if n := frameSize + len(f.Body) + more; s.bytes+n > freeBytes {
		f.paid.Return()
		f.paid, st = s.payer().Charge(n)
	}
	return st
}

// chargeBody charges for a body of n bytes before it is read. A small body is charged with its call.
func (s *Server) chargeBody(n int) (quota.Receipt, ntstatus.Status) {
	if n <= freeBytes {
		return quota.Receipt{}, ntstatus.Success
	}
	return s.payer().Charge(frameSize + n)
}

// chargeAnswers charges for n bytes of answers that the client has not read, or that wait behind such answers. An error
// must end the connection, because the answers cannot be stored. Up to freeBytes are free: the receipt is then empty.
func (s *Server) chargeAnswers(n int) (paid quota.Receipt, err error) {
	if n <= freeBytes {
		return paid, nil
	}
	paid, st := s.payer().Charge(n)
	if st != ntstatus.Success {
		// A client that leaves answers unread pays for them, and is gone where it cannot.
		return paid, fmt.Errorf("%d bytes of answers are unread, and the user has no quota left for them (Q-6): %w", n,
			st.Err())
	}
	return paid, nil
}
