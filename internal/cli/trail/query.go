package trail

import (
	"errors"
	"io"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
)

// Query reads the log from the position of r to its end and calls use with each record that the filter selects. It
// returns nil at the end, or the first error of the log or of use. It does not wait for new records. A record that
// cannot be decoded is an error.
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
