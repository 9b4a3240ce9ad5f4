package main

import (
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/mount"
)

// TestMountMetricsFollowFormat checks the metrics of a mount: a histogram's buckets are cumulative, labels are escaped,
// and all unlisted users share one label (M-47).
func TestMountMetricsFollowFormat(t *testing.T) {
	s := mount.Stats{Operations: []mount.OperationStats{{Name: "OPEN", Done: 4, Denied: 3, Took: 2 * time.Second},
		{Name: "READ", Done: 5, Took: time.Second / 2}, {Name: "WRITE"}}, Open: []mount.UserCount{{UID: 7, Count: 2}},
		Denied: []mount.UserCount{{UID: 7, Count: 2}, {Others: true, Count: 1}}}
	s.Latency[0], s.Latency[2], s.Latency[len(s.Latency)-1] = 1, 2, 1
	var out strings.Builder
	writeMounts(&out, map[string]mount.Stats{`a"b`: s})
	for _, want := range []string{`refmond_mount_operations_total{tree="a\"b",operation="OPEN"} 4`,
		`refmond_mount_operations_total{tree="a\"b",operation="READ"} 5`,
		`refmond_mount_denied_total{tree="a\"b",operation="OPEN"} 3`,
		`refmond_mount_operation_seconds_total{tree="a\"b",operation="OPEN"} 2`,
		`refmond_mount_operation_seconds_total{tree="a\"b",operation="READ"} 0.5`,
		`refmond_mount_seconds_bucket{tree="a\"b",le="5e-05"} 1`,
		`refmond_mount_seconds_bucket{tree="a\"b",le="0.0002"} 1`,
		`refmond_mount_seconds_bucket{tree="a\"b",le="0.001"} 3`,
		`refmond_mount_seconds_bucket{tree="a\"b",le="+Inf"} 4`,
		`refmond_mount_seconds_sum{tree="a\"b"} 2.5`, `refmond_mount_seconds_count{tree="a\"b"} 4`,
		`refmond_mount_open_files{tree="a\"b",uid="7"} 2`,
		`refmond_mount_denied_users_total{tree="a\"b",uid="7"} 2`,
		`refmond_mount_denied_users_total{tree="a\"b",uid="others"} 1`} {
		check.That(t, strings.Contains(out.String(), want+"\n"), "M-47: no %s in\n%s", want, out.String())
	}
}
