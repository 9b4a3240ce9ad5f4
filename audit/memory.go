package audit

import (
	"iter"
	"slices"
	"sync/atomic"
)

// Default limits of a [Memory] sink (U-66).
const (
	DefaultRecords = 8192
	DefaultBytes   = 64 << 20
)

// Memory is a sink that keeps records in memory up to a limit. When it is full,
// it drops and counts records. Before the first record that it keeps
// afterwards, it adds event 4612 with the number of lost records (U-65). The
// zero value is ready for use and has the default limits. It must not be
// copied.
//
// Its state is one immutable value behind an atomic pointer. Writers use
// compare-and-swap and never wait.
type Memory struct {
	limitRecords int // immutable; 0 means the default
	limitBytes   int // immutable; 0 means the default
	state        atomic.Pointer[memoryState]
}

// memoryState is the content of a [Memory] sink at one moment. It is immutable once stored.
type memoryState struct {
	top     *memoryNode // newest record
	held    int
	bytes   int
	lastID  uint64
	pending uint64 // dropped and not yet announced
	dropped uint64 // ever
}

// memoryNode is one record of a linked list that starts with the newest.
type memoryNode struct {
	event Event
	older *memoryNode
}

// NewMemory returns a sink with limits on the number and the size of its records. For each, 0 or less means the
// default. A limit of one record is raised to two, because a loss needs a separate record. A single record of any size
// fits in an empty sink.
func NewMemory(maxRecords, maxBytes int) *Memory {
	m := &Memory{limitRecords: maxRecords, limitBytes: maxBytes}
	if maxRecords == 1 {
		m.limitRecords = 2
	}
	return m
}

// limits returns the maximum number of records and bytes. A limit that is 0 or negative means its default.
func (m *Memory) limits() (records, bytes int) {
	records, bytes = m.limitRecords, m.limitBytes
	if records <= 0 {
		records = DefaultRecords
	}
	if bytes <= 0 {
		bytes = DefaultBytes
	}
	return records, bytes
}

// load returns the sink's current content, which is immutable. In a zero Memory it first stores an empty one.
func (m *Memory) load() *memoryState {
	if s := m.state.Load(); s != nil {
		return s
	}
	m.state.CompareAndSwap(nil, &memoryState{})
	return m.state.Load()
}

// Write keeps the record and numbers it. The error is nil or [ErrFull].
func (m *Memory) Write(e Event) error {
	e.wait = nil // otherwise the stored record keeps the function and its variables in memory
	records, bytes := m.limits()
	for {
		old := m.load()
		next := *old
		// Before the first record after a loss comes a record with the number of lost ones (U-65).
		if next.pending > 0 {
			next.push(AuditsDiscarded(next.pending, e.Header))
			next.pending = 0
		}
		next.push(e)
		// A record that exceeds the queue's limit is dropped and counted (U-66).
		if full := next.held > records || next.bytes > bytes; full && old.held > 0 {
			next = *old
			next.pending++
			next.dropped++
			if m.state.CompareAndSwap(old, &next) {
				return ErrFull
			}
			continue
		}
		if m.state.CompareAndSwap(old, &next) {
			return nil
		}
	}
}

// push adds a record as the newest and gives it the next number (U-63). No other goroutine may have the state yet.
func (s *memoryState) push(e Event) {
	s.lastID++
	// The numbers start at 1 and increase by one (U-63).
	e.RecordID = s.lastID
	s.top = &memoryNode{e, s.top}
	s.held++
	s.bytes += e.size()
}

// Len returns the number of records in the sink.
func (m *Memory) Len() int { return m.load().held }

// Dropped returns the number of records that the sink has dropped since its
// creation.
func (m *Memory) Dropped() uint64 { return m.load().dropped }

// Events yields the records in the sink at the time of the call, oldest first.
func (m *Memory) Events() iter.Seq[Event] { return slices.Values(m.load().list()) }

// Drain removes all records from the sink and returns them, oldest first.
func (m *Memory) Drain() []Event {
	for {
		old := m.load()
		if old.top == nil {
			return nil
		}
		next := *old
		next.top, next.held, next.bytes = nil, 0, 0
		if m.state.CompareAndSwap(old, &next) {
			return old.list()
		}
	}
}

// list returns the records, oldest first.
func (s *memoryState) list() []Event {
	out := make([]Event, s.held)
	i := s.held
	for n := s.top; n != nil; n = n.older {
		i--
		out[i] = n.event
	}
	return out
}
