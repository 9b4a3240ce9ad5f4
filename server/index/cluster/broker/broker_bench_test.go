package broker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/index/cluster/broker"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/index/cluster/stages"
)

// BenchmarkFirstLoad measures a first load over a NATS server with all stages in one process: one
// row per file, and a tenth as many classes as modes.
func BenchmarkFirstLoad(b *testing.B) {
	const files = 20_000
	tree, dir := b.TempDir(), filepath.Join(b.TempDir(), "firm.json")
	for i := range files {
		at := filepath.Join(tree, fmt.Sprint("d", i%100))
		if i < 100 {
			check.NoError(b, os.Mkdir(at, 0o755))
		}
		check.NoError(b, os.WriteFile(filepath.Join(at, fmt.Sprint("f", i)), nil, os.FileMode(0o600|i%64)))
	}
	check.NoError(b, os.WriteFile(dir, []byte(firm), 0o600))
	for _, parts := range []int{1, 4} {
		b.Run(fmt.Sprint("parts ", parts), func(b *testing.B) {
			for range b.N {
				state := filepath.Join(b.TempDir(), "state")
				ctx, stop := context.WithCancel(b.Context())
				a := broker.Alone{Host: "h", Trees: []string{tree}, Directory: dir, Rights: "read", State: state,
					NoEvents: true, Every: again, Beat: calm, Parts: parts, Ready: stop}
				before := cpuTime(b)
				check.NoError(b, a.Run(ctx))
				info, err := os.Stat(filepath.Join(state, "events.jsonl"))
				check.NoError(b, err)
				b.ReportMetric((cpuTime(b)-before).Seconds()*1e6/files, "cpu-µs/row")
				b.ReportMetric(float64(info.Size())/files, "bytes/row")
			}
			b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "rows/s")
		})
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers ", workers), func(b *testing.B) {
			for range b.N {
				before := cpuTime(b)
				load(b, tree, dir, workers)
				b.ReportMetric((cpuTime(b)-before).Seconds()*1e6/files, "cpu-µs/row")
			}
			b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("one machine", func(b *testing.B) {
		for range b.N {
			ctx, stop := context.WithCancel(b.Context())
			before := cpuTime(b)
			err := index.Run(ctx, index.Config{Trees: []string{tree}, Directory: dir, Rights: "read",
				State: filepath.Join(b.TempDir(), "state"), NoEvents: true, Beat: 50 * time.Millisecond, Ready: stop})
			check.NoError(b, err)
			b.ReportMetric((cpuTime(b)-before).Seconds()*1e6/files, "cpu-µs/row")
		}
		b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "rows/s")
	})
}

// calm is a heartbeat interval at which a worker on a loaded machine keeps its shares. With 50 ms, four shares
// changed workers during the load. Each new worker read its logs again, and the load took three times as long.
const calm = 300 * time.Millisecond

// again is the interval of walks. The second walk gives watermarks to shares that changed workers
// after the first.
const again = 10 * time.Second

// load measures a first load of a tree in four parts by some workers.
func load(b *testing.B, tree, dir string, workers int) {
	b.Helper()
	s, seeds, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"h": {tree}}, Parts: 4, Deciders: 4})
	check.NoError(b, err)
	server, err := broker.Start(s, broker.Options{Store: b.TempDir()})
	check.NoError(b, err)
	defer server.Close()
	ctx, stop := context.WithCancel(b.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	stage := func(r site.Role, run func(c *stages.Conn) error) {
		c, err := stages.Dial(s, r, seeds[r], stages.Options{InProcess: server})
		check.NoError(b, err)
		all.Go(func() {
			defer c.Close()
			if err := run(c); err != nil {
				b.Error(err)
			}
		})
	}
	keeper, err := stages.Dial(s, site.Keeper, seeds[site.Keeper], stages.Options{InProcess: server})
	check.NoError(b, err)
	defer keeper.Close()
	check.NoError(b, stages.Prepare(ctx, keeper))
	for i := range workers {
		stage(site.Work, func(c *stages.Conn) error {
			return stages.Work(ctx, c, stages.WorkConfig{Name: fmt.Sprint("w", i), Beat: calm})
		})
	}
	stage(site.Directory, func(c *stages.Conn) error {
		return stages.Directory(ctx, c, stages.DirectoryConfig{File: dir, Beat: calm})
	})
	stage(site.Watch("h"), func(c *stages.Conn) error {
		return stages.Watch(ctx, c, stages.WatchConfig{Host: "h", NoEvents: true, Every: again, Beat: calm})
	})
	ready := make(chan struct{})
	stage(site.Follow, func(c *stages.Conn) error {
		return stages.Follow(ctx, c, stages.FollowConfig{State: filepath.Join(b.TempDir(), "state"), Beat: calm,
			Ready: func() { close(ready) }})
	})
	<-ready
}

// cpuTime returns the processor time of this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	check.NoError(b, unix.Getrusage(unix.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
