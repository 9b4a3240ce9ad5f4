package check_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// recorder is a testing.TB that keeps the last report and whether the report ended the test.
type recorder struct {
	testing.TB
	report string
	ended  bool
}

func (r *recorder) Helper()                           {}
func (r *recorder) Errorf(format string, args ...any) { r.report = fmt.Sprintf(format, args...) }
func (r *recorder) Fatal(args ...any)                 { r.report, r.ended = fmt.Sprint(args...), true }
func (r *recorder) Fatalf(format string, args ...any) {
	r.report, r.ended = fmt.Sprintf(format, args...), true
}

// TestFailedChecksReportTheReason checks the report of each check, and that none reports without a reason.
func TestFailedChecksReportTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		run    func(*recorder)
		report string
		ended  bool
	}{
		"NoError of nil":       {func(r *recorder) { check.NoError(r, nil) }, "", false},
		"NoError of an error":  {func(r *recorder) { check.NoError(r, errors.New("no file")) }, "no file", true},
		"Success":              {func(r *recorder) { check.Success(r, ntstatus.Success) }, "", false},
		"Success of an error":  {func(r *recorder) { check.Success(r, ntstatus.AccessDenied) }, "STATUS_ACCESS_DENIED", true},
		"Equal":                {func(r *recorder) { check.Equal(r, 1, 1, "a number") }, "", false},
		"Equal of two numbers": {func(r *recorder) { check.Equal(r, 1, 2, "row %d", 7) }, "row 7: 1, want 2", false},
		"Equal of two strings": {func(r *recorder) { check.Equal(r, "a", "b", "a name") }, `a name: "a", want "b"`, false},
		"That":                 {func(r *recorder) { check.That(r, true, "row %d", 7) }, "", false},
		"That of false":        {func(r *recorder) { check.That(r, false, "row %d", 7) }, "row 7", false},
		"RequireThat":          {func(r *recorder) { check.RequireThat(r, true, "row %d", 7) }, "", false},
		"RequireThat of false": {func(r *recorder) { check.RequireThat(r, false, "row %d", 7) }, "row 7", true},
		"Eventually":           {func(r *recorder) { check.Eventually(r, func() bool { return true }, "never") }, "", false},
	} {
		r := &recorder{}
		if c.run(r); r.report != c.report || r.ended != c.ended {
			t.Errorf("%s: report %q, ended %t, want %q, %t", name, r.report, r.ended, c.report, c.ended)
		}
	}
}
