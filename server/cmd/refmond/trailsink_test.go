package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
)

// TestAuditFailuresAreLoggedOnceAMinute checks that the log has the first error of an audit log, later ones once a
// minute, and the end of a failure. An essential record that a full log stores in its reserve is not the end.
func TestAuditFailuresAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r, full := &trailSink{log: slog.New(slog.NewTextHandler(&out, nil))}, errors.New("full")
		open, logoff := audit.Event{}.WithHeader(audit.Header{ID: 4656}), audit.Event{}.WithHeader(audit.Header{ID: 4634})
		for i, c := range []struct {
			after time.Duration
			event audit.Event
			err   error
			want  string // the level of the line; "": none
		}{{0, open, nil, ""}, {0, open, full, "ERROR"}, {reportEvery - 1, open, full, ""}, {1, open, full, "ERROR"},
			{1, open, full, ""}, {0, logoff, nil, ""}, {0, open, full, ""}, {0, open, nil, "INFO"}, {0, open, nil, ""},
			{1, open, full, ""}, {0, open, nil, ""}, {reportEvery, open, full, "ERROR"}} {
			time.Sleep(c.after)
			out.Reset()
			check.Equal(t, r.report(c.err, c.event), c.err, "%d: error", i)
			if got := out.String(); strings.Count(got, "\n") != min(len(c.want), 1) || !strings.Contains(got, c.want) {
				t.Errorf("%d: logged %q, want %q", i, got, c.want)
			}
		}
		time.Sleep(reportEvery)
		_ = r.report(fmt.Errorf("write: %w", auditlog.ErrStopped), open)
		check.That(t, strings.Contains(out.String(), "audit.size"), "a log that stopped: %q", out.String())
	})
}
