package trail

import (
	"errors"
	"io"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// Query calls use with each record that the filter selects, up to the end of the log. It stops at the first error.
func Query(r *auditlog.Reader, f *Filter, use func(e *audit.Event) error) error {
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !f.Match(rec.Payload()) {
			continue
		}
		e, err := rec.Event()
		if err != nil {
			return err
		}
		if err := use(&e); err != nil {
			return err
		}
	}
}
