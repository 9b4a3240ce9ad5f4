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

// Memory is a sink that keeps records in memory up to a limit. When it is
// full, records are dropped and counted; the first record kept after that is
// preceded by event 4612, which says how many were lost (U-65). The zero value
// is ready for use and has the default limits. It must not be copied.
//
// All its state is one immutable value behind an atomic pointer: writers
// compare and swap and never wait.
type Memory struct {
	limitRecords int // immutable; 0 stands for the default
	limitBytes   int // immutable; 0 stands for the default
	state        atomic.Pointer[memoryState]
}

type memoryState struct {
	top     *memoryNode // newest record
	held    int
	bytes   int
	lastID  uint64
	pending uint64 // dropped and not yet announced
	dropped uint64 // ever
}

type memoryNode struct {
	event Event
	older *memoryNode
}

// NewMemory makes a sink of the given limits; 0 or less stands for the
// default of each. A limit of one record is raised to two, because a loss
// needs a record of its own. A single record of any size fits an empty sink.
func NewMemory(records, bytes int) *Memory {
	m := &Memory{limitRecords: records, limitBytes: bytes}
	if records == 1 {
		m.limitRecords = 2
	}
	return m
}

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

func (m *Memory) load() *memoryState {
	if s := m.state.Load(); s != nil {
		return s
	}
	m.state.CompareAndSwap(nil, &memoryState{})
	return m.state.Load()
}

// Write keeps the record and numbers it. The error is nil or [ErrFull].
func (m *Memory) Write(e Event) error {
	records, bytes := m.limits()
	for {
		old := m.load()
		next := *old
		// The first record kept after a loss is preceded by the count of the lost ones (U-65).
		if next.pending > 0 {
			next.push(AuditsDiscarded(next.pending, e.Header))
			next.pending = 0
		}
		next.push(e)
		// A record beyond the bound of the queue is dropped and counted (U-66).
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

func (s *memoryState) push(e Event) {
	s.lastID++
	// The numbers start at 1 and increase by one (U-63).
	e.RecordID = s.lastID
	s.top = &memoryNode{e, s.top}
	s.held++
	s.bytes += e.size()
}

// Len returns the number of records held.
func (m *Memory) Len() int { return m.load().held }

// Dropped returns the number of records ever dropped.
func (m *Memory) Dropped() uint64 { return m.load().dropped }

// Events yields the records held at the time of the call, oldest first.
func (m *Memory) Events() iter.Seq[Event] { return slices.Values(m.load().list()) }

// Drain takes the records held, oldest first, and makes room for as many.
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

func (s *memoryState) list() []Event {
	out := make([]Event, s.held)
	i := s.held
	for n := s.top; n != nil; n = n.older {
		i--
		out[i] = n.event
	}
	return out
}
