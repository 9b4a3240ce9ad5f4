package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/server/mount"
)

// labelText escapes the value of a label in the text format of Prometheus.
var labelText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// writeMounts writes the metrics of mounts, by tree. Labels have few values: trees of the configuration, operations of
// FUSE, and the users with the largest numbers. Without mounts it writes nothing. Write errors are ignored.
func writeMounts(w io.Writer, of map[string]mount.Stats) {
	trees := slices.Sorted(maps.Keys(of))
	if len(trees) == 0 {
		return
	}
	series := func(name, kind, help string, each func(tree string, s *mount.Stats)) {
		fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, help, kind)
		for _, tree := range trees {
			s := of[tree]
			each(labelText.Replace(tree), &s)
		}
	}
	byOperation := func(name, kind, help string, value func(*mount.OperationStats) float64) {
		series(name, kind, help, func(tree string, s *mount.Stats) {
			for i := range s.Operations {
				o := &s.Operations[i]
				fmt.Fprintf(w, "%s{tree=\"%s\",operation=\"%s\"} %g\n", name, tree, o.Name, value(o))
			}
		})
	}
	byUser := func(name, kind, help string, list func(*mount.Stats) []mount.UserCount) {
		series(name, kind, help, func(tree string, s *mount.Stats) {
			for _, u := range list(s) {
				uid := strconv.FormatUint(uint64(u.UID), 10)
				if u.Others {
					uid = "others"
				}
				fmt.Fprintf(w, "%s{tree=\"%s\",uid=\"%s\"} %d\n", name, tree, uid, u.Count)
			}
		})
	}
	byOperation("refmond_mount_operations_total", "counter", "Requests that a user's rights decide.",
		func(o *mount.OperationStats) float64 { return float64(o.Done) })
	byOperation("refmond_mount_denied_total", "counter", "Requests that were denied.",
		func(o *mount.OperationStats) float64 { return float64(o.Denied) })
	byOperation("refmond_mount_operation_seconds_total", "counter", "Time spent in these requests.",
		func(o *mount.OperationStats) float64 { return o.Took.Seconds() })
	const latency = "refmond_mount_seconds"
	series(latency, "histogram", "Duration of these requests.", func(tree string, s *mount.Stats) {
		sum, n := 0.0, uint64(0)
		for i := range s.Operations {
			sum += s.Operations[i].Took.Seconds()
		}
		for i, count := range s.Latency {
			n += count
			bound := "+Inf"
			if i < len(mount.LatencyBuckets) {
				bound = strconv.FormatFloat(mount.LatencyBuckets[i].Seconds(), 'g', -1, 64)
			}
			fmt.Fprintf(w, "%s_bucket{tree=\"%s\",le=\"%s\"} %d\n", latency, tree, bound, n)
		}
		fmt.Fprintf(w, "%s_sum{tree=\"%s\"} %g\n%[1]s_count{tree=\"%[2]s\"} %[4]d\n", latency, tree, sum, n)
	})
	byUser("refmond_mount_open_files", "gauge", "Open files, of the users with the most.",
		func(s *mount.Stats) []mount.UserCount { return s.Open })
	byUser("refmond_mount_denied_users_total", "counter", "Denials, of the users with the most.",
		func(s *mount.Stats) []mount.UserCount { return s.Denied })
}
