package drills

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/randtest"
)

// TestMixedLoadIsFlat loads all daemons for REFMON_LOAD, 20 seconds by default. Memory, threads, descriptors,
// goroutines and disk use may differ between the second and the last quarter only by small limits, and no daemon has
// many goroutines at the end. The trail may grow to 16 MiB and the index to 64. REFMON_PAUSE=N makes the pauses of the
// load N times as long.
func TestMixedLoadIsFlat(t *testing.T) {
	if os.Getenv("REFMON_LOAD") == "" {
		randtest.SkipUnlessDeep(t, "it uses all daemons for 20 seconds")
	}
	long, slower, err := 20*time.Second, 1, error(nil)
	if text := os.Getenv("REFMON_LOAD"); text != "" {
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatalf("REFMON_LOAD: %v", err)
		}
	}
	if text := os.Getenv("REFMON_PAUSE"); text != "" {
		if slower, err = strconv.Atoi(text); err != nil {
			t.Fatalf("REFMON_PAUSE: %v", err)
		}
	}
	m := newMachine(t)
	if os.Getenv("REFMON_LOAD") != "" {
		m.buildCounting()
	}
	m.configure("audit: {required: true, size: 16, policy: {File System: both}}\n")
	m.populate()
	m.begin("refmon-gateway")
	m.begin("refmon-index")
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	every := min(max(long/400, 500*time.Millisecond), 30*time.Second)
	samples, sampled := map[string][]use{}, make(chan struct{})
	go func() {
		defer close(sampled)
		for ; ctx.Err() == nil; time.Sleep(every) {
			for name := range m.runs {
				samples[name] = append(samples[name], m.measure(name))
			}
		}
	}()
	done, wrong := m.works(ctx, slower)
	<-sampled
	for _, w := range wrong {
		t.Error(w)
	}
	table := "| daemon | memory, MiB | threads | descriptors | goroutines | disk, MiB | goroutines at the end |\n" +
		"|---|--:|--:|--:|--:|--:|--:|\n"
	for _, name := range []string{"refmon-index", "refmon-gateway", "refmond mount", "refmond"} {
		table += m.checkFlat(name, samples[name], every)
	}
	t.Logf("%s of load, %d samples, pauses times %d: %v\n%s", long, len(samples["refmond"]), slower, done, table)
}

// checkFlat compares the use of a daemon in the last quarter of the samples with that in the second one. It ends the
// daemon and returns the row of the table: both values, and the change in an hour after the first quarter.
func (m *machine) checkFlat(name string, s []use, every time.Duration) string {
	m.Helper()
	if len(s) < 8 {
		m.Fatalf("%s: %d samples, want 8", name, len(s))
	}
	was, is, left := mean(s[len(s)/4:len(s)/2]), mean(s[len(s)*3/4:]), m.goroutines(name)
	if is.memory > was.memory*5/4+16<<10 || is.threads > was.threads+8 || is.descriptors > was.descriptors+16 ||
		is.goroutines > was.goroutines+16 || is.disk > was.disk+80<<20 || left > 200 {
		m.Errorf("%s grows: %+v, was %+v, %d goroutines", name, is, was, left)
	}
	row := "| " + name
	for _, value := range []func(use) float64{
		func(u use) float64 { return float64(u.memory) / (1 << 10) },
		func(u use) float64 { return float64(u.threads) },
		func(u use) float64 { return float64(u.descriptors) },
		func(u use) float64 { return float64(u.goroutines) },
		func(u use) float64 { return float64(u.disk) / (1 << 20) },
	} {
		row += fmt.Sprintf(" | %.1f, %.1f (%+.2f)", value(was), value(is), slope(s[len(s)/4:], every, value))
	}
	return row + fmt.Sprintf(" | %d |\n", left)
}
