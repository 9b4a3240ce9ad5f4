package services_test

import (
	"errors"
	"reflect"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
)

// brim is a sink that rejects records once it is full.
type brim struct{ full bool }

func (s *brim) Write(audit.Event) error {
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

// meeting is a sink that runs a function at its first record.
type meeting struct {
	*audit.Memory
	first func()
}

func (s *meeting) Write(e audit.Event) error {
	if f := s.first; f != nil {
		s.first = nil
		f()
	}
	return s.Memory.Write(e)
}
