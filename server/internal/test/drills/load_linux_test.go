package drills

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMixedLoadIsFlat uses all daemons for REFMON_LOAD, 20 seconds by default. Memory, threads, descriptors and disk in
// the last quarter of that time are those of the second one, but for small limits, and no daemon has many goroutines at
// the end. The trail may grow to 16 MiB and the index to 64.
func TestMixedLoadIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds five programs")
	}
	long := 20 * time.Second
	if text := os.Getenv("REFMON_LOAD"); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("REFMON_LOAD: %v", err)
		}
	}
	m := newMachine(t)
	m.configure("audit: {required: true, size: 16, policy: {File System: both}}\n")
	m.populate()
	m.begin("refmon-gateway")
	m.begin("refmon-index")
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	samples := map[string][]use{}
	sampled := make(chan struct{})
	go func() {
		defer close(sampled)
		for every := max(long/400, 500*time.Millisecond); ctx.Err() == nil; time.Sleep(every) {
			for name := range m.runs {
				samples[name] = append(samples[name], m.measure(name))
			}
		}
	}()
	done, wrong := m.works(ctx)
	<-sampled
	for _, w := range wrong {
		t.Error(w)
	}
	table := "| daemon | memory, MiB | threads | descriptors | disk, MiB | goroutines at the end |\n" +
		"|---|--:|--:|--:|--:|--:|\n"
	for _, name := range []string{"refmon-index", "refmon-gateway", "refmond mount", "refmond"} {
		s := samples[name]
		if len(s) < 8 {
			t.Fatalf("%s: %d samples, want 8", name, len(s))
		}
		was, is, left := mean(s[len(s)/4:len(s)/2]), mean(s[len(s)*3/4:]), m.goroutines(name)
		if is.memory > was.memory*5/4+16<<10 || is.threads > was.threads+8 || is.descriptors > was.descriptors+16 ||
			is.disk > was.disk+80<<20 || left > 200 {
			t.Errorf("%s grows: %+v, was %+v, %d goroutines", name, is, was, left)
		}
		table += fmt.Sprintf("| %s | %d, %d | %d, %d | %d, %d | %.1f, %.1f | %d |\n", name, was.memory>>10, is.memory>>10,
			was.threads, is.threads, was.descriptors, is.descriptors, float64(was.disk)/(1<<20), float64(is.disk)/(1<<20),
			left)
	}
	t.Logf("%s of load: %v\n%s", long, done, table)
}
