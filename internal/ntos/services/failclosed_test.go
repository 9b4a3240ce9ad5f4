package services_test

import (
	"errors"
	"reflect"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
)

// limitedSink is a sink that rejects records once it is full.
type limitedSink struct{ full bool }

func (s *limitedSink) Write(audit.Event) error {
	if s.full {
		return errors.New("full")
	}
	return nil
}

// zero returns nil for an output without any field set.
func zero(out any, st ntstatus.Status) (any, ntstatus.Status) {
	if reflect.ValueOf(out).IsZero() {
		return nil, st
	}
	return out, st
}

// hookedSink is a sink that runs a function at its first record.
type hookedSink struct {
	*audit.Memory
	first func()
}

func (s *hookedSink) Write(e audit.Event) error {
	if f := s.first; f != nil {
		s.first = nil
		f()
	}
	return s.Memory.Write(e)
}
