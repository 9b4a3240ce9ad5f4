package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/auditlog"
	"github.com/refmon/refmon/internal/test/check"
)

// TestTrailHasSizeAndAgeOfConfiguration checks the audit log's limits: MiB, days, and segments of an eighth of the size
// within 1 and 64 MiB.
func TestTrailHasSizeAndAgeOfConfiguration(t *testing.T) {
	for size, segment := range map[int64]int64{0: 0, 4: 1, 80: 10, 800: 64} {
		a := auditSettings{Size: size, Age: 2, Reserve: 3, Overwrite: "archive"}
		check.DeepEqual(t, a.config("d", "host"), auditlog.Config{Dir: "d", Computer: "host", Reserve: 3 << 20,
			SegmentBytes: segment << 20, Keep: auditlog.Keep{Bytes: size << 20, Age: 48 * time.Hour,
				Full: auditlog.Archive}}, "audit.size %d", size)
	}
}

// TestTrailStateSaysWhyLogEnded checks that the state has the error of a log that takes no more records, as text.
func TestTrailStateSaysWhyLogEnded(t *testing.T) {
	l := check.Must(auditlog.Open(auditlog.Config{Dir: t.TempDir(), Computer: "host"}))
	check.Equal(t, check.Must(stateOf(l)).Ended, "", "the end of an open log")
	check.NoError(t, l.Close())
	s, _ := stateOf(l)
	check.Equal(t, s.Ended, auditlog.ErrClosed.Error(), "the end of a closed log")
}

// TestMetricsLeaveOutUnknownSpace checks that an unknown free space is exported as no metric. Any number would
// look like a full disk.
func TestMetricsLeaveOutUnknownSpace(t *testing.T) {
	for free, want := range map[int64]bool{-1: false, 0: true, 5: true} {
		var out bytes.Buffer
		writeTrail(&out, &trailState{State: auditlog.State{Records: 7, Free: free}})
		text := out.String()
		check.That(t, strings.Contains(text, fmt.Sprintf("\nrefmond_audit_free_bytes %d\n", free)) == want &&
			strings.Contains(text, "refmond_audit_free_bytes") == want &&
			strings.Contains(text, "refmond_audit_records_total 7\n"), "%d bytes free: %s", free, text)
	}
}
