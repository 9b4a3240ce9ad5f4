package auditlog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/audit"
	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
)

// newForwarder returns a forwarder of the log in a new folder to a file there.
func newForwarder(t *testing.T) *Forwarder {
	t.Helper()
	dir := t.TempDir()
	checkClosed(t, dir)
	return &Forwarder{Dir: filepath.Join(dir, "log"), Sink: filepath.Join(dir, "sink"),
		Cursor: filepath.Join(dir, "cursor")}
}

// sinkIDs returns the RecordIds of the records in a sink that is a file.
func sinkIDs(t *testing.T, f *Forwarder) (ids []uint64) {
	t.Helper()
	for line := range strings.Lines(string(testcheck.Must(os.ReadFile(f.Sink)))) {
		ids = append(ids, testcheck.Must(audit.ParseEvent([]byte(strings.TrimSpace(line)))).RecordID)
	}
	return ids
}

// checkCursor checks the number in the cursor file, and that a hash and a line end follow it.
func checkCursor(t *testing.T, f *Forwarder, want int) {
	t.Helper()
	b, err := os.ReadFile(f.Cursor)
	number, rest, _ := strings.Cut(string(b), " ")
	hash, sink, _ := strings.Cut(rest, " ")
	testcheck.That(t, err == nil && number == strconv.Itoa(want) && len(hash) == 64 && sink == strconv.Quote(f.Sink)+"\n",
		"cursor of %s = %q, %v, want %d, a hash and the sink", f.Sink, b, err, want)
}

// TestForwardedRecordsSurvivePowerFailure checks that the cursor is saved only when the records before it are durable
// in the log, which may not have synced them yet (U-77).
func TestForwardedRecordsSurvivePowerFailure(t *testing.T) {
	f := newForwarder(t)
	d, cfg := newConfig(t)
	writeLog(t, cfg, 2)
	e := opened(t, audit.Failure, "report")
	e.RecordID = uint64(len(recordsOf(t, d)) + 1)
	segment := testcheck.Must(d.Open(segmentName(1)))
	size := testcheck.Must(segment.Size())
	testcheck.Must(segment.WriteAt(rewrite(e.RecordID, e.AppendJSON(nil)), size))
	testcheck.NoError(t, segment.Close())
	f.disk = d
	d.Fail(syscall.EIO, inject.Kind("sync"))
	testcheck.ErrorIs(t, f.Run(t.Context(), false), syscall.EIO, "Run")
	testcheck.ErrorIs(t, testcheck.Err(os.Stat(f.Cursor)), fs.ErrNotExist, "a cursor behind records that are not durable")
	d.Fail(nil)
	testcheck.NoError(t, f.Run(t.Context(), false))
	checkCursor(t, f, int(e.RecordID+1))
	f.disk = d.crash(lostAll)
	testcheck.NoError(t, f.Run(t.Context(), false))
	d.now[segmentName(1)].data = append(d.now[segmentName(1)].data, rewrite(e.RecordID+1, []byte("no event"))...)
	f.disk = d
	testcheck.That(t, f.Run(t.Context(), false) != nil, "a record that is no event is left out")
}

// TestForwarderContinuesAfterRemovedRecords checks that a forwarder that was stopped for longer than records are kept
// continues with the oldest record. The sink sees the gap and each later record once. A warning names the lost records,
// also for a sink without a cursor (U-204).
func TestForwarderContinuesAfterRemovedRecords(t *testing.T) {
	f := newForwarder(t)
	for round := range 6 { // closing a log covers its segments by a checkpoint, so they may be removed
		writeLog(t, Config{Dir: f.Dir, SegmentBytes: 2000, Keep: Keep{Bytes: 8000, Full: Overwrite}}, 2+8*min(round, 1))
		if round > 0 {
			continue
		}
		testcheck.NoError(t, f.Run(t.Context(), false))
	}
	v, warned := mustVerify(t, f.Dir), warnings(f)
	testcheck.NoError(t, f.Run(t.Context(), false))
	want := []uint64{1, 2, 3, 4}
	testcheck.RequireThat(t, v.First > 5, "nothing went: the first is %d, want more than 5", v.First)
	lost := fmt.Sprintf("the log no longer has records 5 to %d: the sink %s does not get these %d records", v.First-1,
		f.Sink, v.First-5)
	testcheck.SlicesEqual(t, *warned, []string{lost}, "U-204: warnings")
	for id := v.First; id <= v.Last; id++ {
		want = append(want, id)
	}
	testcheck.SlicesEqual(t, sinkIDs(t, f), want, "records in the sink")
	checkCursor(t, f, int(v.Last)+1)
	testcheck.NoError(t, os.Remove(f.Cursor))
	f.lost = 0
	testcheck.NoError(t, f.Run(t.Context(), false))
	testcheck.That(t, len(*warned) == 2 && strings.Contains((*warned)[1], fmt.Sprintf(" records 1 to %d: ", v.First-1)),
		"U-204: warnings %q, want one about the records from 1", *warned)
}

// warnings returns the lines that f passes to Warn from now on.
func warnings(f *Forwarder) *[]string {
	list := new([]string)
	f.Warn = func(line string) { *list = append(*list, line) }
	return list
}

// The forwarder reports an outage of its sink once, removed records once, and the end of the outage (U-204). After an
// outage it goes on at the cursor.
func TestForwarderReportsOutageOnce(t *testing.T) {
	f := newForwarder(t)
	for range 6 {
		writeLog(t, Config{Dir: f.Dir, SegmentBytes: 2000, Keep: Keep{Bytes: 8000, Full: Overwrite}}, 10)
	}
	gone, warned := mustVerify(t, f.Dir).First-1, warnings(f)
	f.Sink = filepath.Join(f.Sink, "file")
	outage := func(f *Forwarder) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- f.Run(ctx, true) }()
			time.Sleep(time.Minute) // in fake time: several attempts
			testcheck.NoError(t, os.Mkdir(filepath.Dir(f.Sink), 0o700))
			time.Sleep(time.Minute)
			cancel()
			testcheck.NoError(t, <-ended)
		})
	}
	outage(f)
	want := []string{
		fmt.Sprintf("the log no longer has records 1 to %d: the sink %s does not get these %[1]d records", gone, f.Sink),
		fmt.Sprintf("the sink %s failed: open %[1]s: no such file or directory: trying again", f.Sink),
		fmt.Sprintf("the sink %s has records again", f.Sink)}
	testcheck.SlicesEqual(t, *warned, want, "U-204: warnings")
	sent := sinkIDs(t, f)
	testcheck.NoError(t, os.RemoveAll(filepath.Dir(f.Sink)))
	writeLog(t, Config{Dir: f.Dir}, 1)
	in, lost := io.Pipe()
	testcheck.NoError(t, in.Close())
	outage(&Forwarder{Dir: f.Dir, Sink: f.Sink, Cursor: f.Cursor, out: lost}) // it opens the sink again
	testcheck.Equal(t, sinkIDs(t, f)[0], sent[len(sent)-1]+1, "the first record after the cursor")
}

// A forwarder refuses the cursor of another sink and sends nothing (U-77).
func TestForwarderRefusesCursorOfAnotherSink(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 1)
	testcheck.NoError(t, f.Run(t.Context(), false))
	for _, sink := range []string{f.Sink + "2", "unix:" + f.Sink} {
		err := (&Forwarder{Dir: f.Dir, Sink: sink, Cursor: f.Cursor}).Run(t.Context(), false)
		testcheck.That(t, err != nil && strings.Contains(err.Error(), "belongs to the sink "+f.Sink+":") &&
			strings.Contains(err.Error(), "for the sink "+sink+","), "%s: %v, want an error with both sinks", sink, err)
		_, err = os.Stat(f.Sink + "2")
		testcheck.ErrorIs(t, err, os.ErrNotExist, "the file of the other sink")
	}
}

// TestForwarderSurvivesConcurrentRemoval checks that a forwarder whose next record is removed before it is read
// continues with the oldest record (U-77).
func TestForwarderSurvivesConcurrentRemoval(t *testing.T) {
	f := newForwarder(t)
	l := mustOpen(t, Config{Dir: f.Dir, SegmentBytes: 1500})
	for range 10 { // written singly, because a batch stays in one segment
		mustWrite(t, l, 1)
	}
	testcheck.NoError(t, l.Close())
	r := testcheck.Must(NewReader(f.Dir, 1))
	defer r.Close()
	firsts, err := segments(r.d)
	testcheck.RequireThat(t, err == nil && len(firsts) >= 4,
		"the log's segments begin with the records %d, %v, want at least 4 segments, no error", firsts, err)
	for _, first := range firsts[:2] {
		testcheck.NoError(t, os.Remove(filepath.Join(f.Dir, segmentName(first))))
	}
	f.next = 1
	if sent, err := f.records(t.Context(), r, false); !sent || err != nil {
		t.Fatalf("%t, %v, want true, nil", sent, err)
	}
	testcheck.NoError(t, f.close())
	var want []uint64
	for id := firsts[2]; id <= 12; id++ { // with the start and the end
		want = append(want, id)
	}
	testcheck.SlicesEqual(t, sinkIDs(t, f), want, "records in the sink")
}

// idsOf reads the RecordIds of lines until the end of the connection.
func idsOf(t *testing.T, c net.Conn) []uint64 {
	t.Helper()
	var ids []uint64
	for in := bufio.NewScanner(c); in.Scan(); {
		text, _, _ := strings.Cut(strings.TrimPrefix(in.Text(), `{"id":`), ",")
		id := testcheck.Must(strconv.ParseUint(text, 10, 64))
		ids = append(ids, id)
	}
	return ids
}

// TestForwardSurvivesReceiverCrash checks that the forwarder repeats records that a sink
// did not read before it crashed, and sends records that are written while it waits (U-77).
func TestForwardSurvivesReceiverCrash(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		dir := t.TempDir()
		writeLog(t, Config{Dir: filepath.Join(dir, "log")}, 20)
		address := map[string]string{"unix": filepath.Join(dir, "s"), "tcp": "127.0.0.1:0"}[network]
		listener := testcheck.Must(net.Listen(network, address))
		ctx, cancel := context.WithCancel(t.Context())
		f := &Forwarder{Dir: filepath.Join(dir, "log"), Sink: network + ":" + listener.Addr().String(),
			Cursor: filepath.Join(dir, "cursor")}
		ended := make(chan error)
		go func() { ended <- f.Run(ctx, true) }()
		dead := testcheck.Must(listener.Accept())
		if _, err := dead.Read(make([]byte, 100)); err != nil { // the forwarder has started
			t.Fatal(err)
		}
		testcheck.NoError(t, dead.Close())
		writeLog(t, Config{Dir: f.Dir}, 0) // the log's start and end
		var next uint64 = 1
		for _, last := range []uint64{24, 26} {
			for next <= last {
				c := testcheck.Must(listener.Accept())
				for _, id := range idsOf(t, c) {
					testcheck.RequireThat(t, id <= next,
						"%s: record %d comes, and %d did not, want at most %d", network, id, next, next)
					next = max(next, id+1)
				}
				testcheck.NoError(t, c.Close())
			}
			writeLog(t, Config{Dir: f.Dir}, 0) // the forwarder waits for more records
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		testcheck.NoError(t, listener.Close())
	}
}

// A sink without a server is an error and leaves the forwarder without a connection.
func TestUnservedSinkIsAnError(t *testing.T) {
	f := newForwarder(t)
	f.Sink = "unix:" + f.Sink
	if err := f.connect(t.Context()); err == nil || f.out != nil || f.taken != nil {
		t.Errorf("connect to %s = %v, connection %v, want an error and no connection", f.Sink, err, f.out)
	}
}

// half is a connection of which one direction can be closed.
type half struct{ net.Conn }

// CloseWrite has no effect.
func (half) CloseWrite() error { return nil }

// A forwarder that is interrupted does not wait a minute for a sink that does not read (U-77).
func TestInterruptedForwarderWaitsBriefly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := net.Pipe()
		defer peer.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		start := time.Now()
		testcheck.ErrorIs(t, handOver(ctx, half{c}), os.ErrDeadlineExceeded, "handOver")
		testcheck.Equal(t, time.Since(start), 20*time.Second+forwardEnd, "time of handOver")
	})
}

// A sink with an unknown network is an error at once. It does not become a file. A path is a file, whatever its name.
func TestUnknownNetworkIsNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLog(t, Config{Dir: "log"}, 1)
	for sink, isFile := range map[string]bool{"udp:localhost:514": false, "TCP:localhost:1": false, "./udp:a": true,
		"2:a": true, "c:a": true} {
		f := &Forwarder{Dir: "log", Sink: sink, Cursor: "cursor"}
		err := f.Run(t.Context(), false)
		_, missing := os.Stat(sink)
		testcheck.That(t, (err == nil) == isFile && (missing == nil) == isFile &&
			(isFile || strings.Contains(err.Error(), "want unix:PATH, tcp:HOST:PORT or a file such as ./"+sink)),
			"%s: %v, and a file: %t, want a file: %t", sink, err, missing == nil, isFile)
		_ = os.Remove("cursor")
	}
	for _, sink := range []string{"tcp:localhost", "tcp:localhost:99999", "tcp:[::1:5170"} {
		err := (&Forwarder{Dir: "log", Sink: sink, Cursor: "cursor"}).Run(t.Context(), false)
		testcheck.That(t, err != nil && strings.Contains(err.Error(), "want tcp:HOST:PORT"), "%s: %v", sink, err)
	}
}

// A sink that cannot confirm its records is an error at once. With follow, Run would send them again forever. It is
// also a failure of the sink if it takes the place of a file later: opening a FIFO could wait forever (U-77).
func TestSinkThatCannotConfirmIsRefused(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 1)
	for _, sink := range []string{os.DevNull, filepath.Dir(f.Sink)} {
		f.Sink = sink
		err := f.Run(t.Context(), false)
		testcheck.That(t, err != nil && strings.Contains(err.Error(), sink+" is not a regular file"), "%s: %v", sink, err)
		err = f.connect(t.Context())
		testcheck.That(t, err != nil && strings.Contains(err.Error(), sink+" is not a regular file"), "later: %v", err)
	}
}

// A file of the log or the cursor is no sink, also not in place of an earlier sink: the forwarder would append to it
// and damage it (U-77).
func TestSinkIsNoFileOfLog(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 1)
	testcheck.NoError(t, os.WriteFile(f.Cursor, nil, 0o600))
	links := t.TempDir()
	link, hard, tiles := filepath.Join(links, "link"), filepath.Join(links, "hard"), filepath.Join(links, "tiles")
	testcheck.NoError(t, errors.Join(os.Symlink(filepath.Join(f.Dir, checkpointName), link),
		os.Link(filepath.Join(f.Dir, segmentName(1)), hard), os.Symlink(filepath.Join(f.Dir, "tile"), tiles)))
	for _, sink := range []string{filepath.Join(f.Dir, segmentName(1)), filepath.Join(f.Dir, keyName), link, hard,
		filepath.Join(f.Dir, lockName), filepath.Join(tiles, "0", "000.p", "3"), f.Cursor} {
		before := testcheck.Must(os.ReadFile(sink))
		f := &Forwarder{Dir: f.Dir, Sink: sink, Cursor: f.Cursor}
		for when, err := range map[string]error{"first": f.Run(t.Context(), false), "later": f.connect(t.Context())} {
			testcheck.That(t, err != nil && strings.Contains(err.Error(), "is a file of the log") &&
				bytes.Equal(testcheck.Must(os.ReadFile(sink)), before), "%s: %s: error %v, want an unchanged file", sink,
				when, err)
		}
	}
	dangling := filepath.Join(links, "dangling")
	testcheck.NoError(t, errors.Join(os.Remove(f.Cursor), os.Symlink(filepath.Join(f.Dir, segmentName(9)), dangling)))
	for _, sink := range []string{filepath.Join(tiles, "none"), f.Cursor, dangling} {
		f.Sink = sink
		testcheck.That(t, f.connect(t.Context()) != nil && os.IsNotExist(testcheck.Err(os.Stat(sink))),
			"a new file %s: want an error and no file", sink)
	}
}

// A failed write, and a connection that is closed, are failures of the sink (U-77).
func TestFailedWriteIsFailureOfSink(t *testing.T) {
	ours, theirs := net.Pipe()
	in, out := io.Pipe()
	testcheck.NoError(t, errors.Join(theirs.Close(), in.Close()))
	for _, sink := range []io.WriteCloser{ours, out} {
		f, lost := &Forwarder{out: sink}, (*sinkError)(nil)
		err := testcheck.Err(f.line(nil, &audit.Event{}))
		testcheck.That(t, errors.As(err, &lost) && f.sent == 0, "%T: %v, %d records sent", sink, err, f.sent)
	}
}

// A forwarder that is interrupted while its sink fails ends without an error, and leaves the cursor (U-77).
func TestInterruptionLeavesUnconfirmedRecords(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	f.out, f.taken, f.since = out, func() error { return syscall.EPIPE }, time.Now().Add(time.Hour)
	go func() {
		_ = testcheck.Err(bufio.NewReaderSize(in, 64<<10).ReadString('\n'))
		cancel()
		_ = in.Close() // the second record fails
	}()
	testcheck.NoError(t, f.Run(ctx, true))
	testcheck.ErrorIs(t, testcheck.Err(os.Stat(f.Cursor)), fs.ErrNotExist, "the cursor")
}

// A cursor that cannot be written ends a forwarder that follows. It does not count as a failure of the sink, after
// which the records would come again (U-77).
func TestUnwritableCursorEndsForwarder(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 1)
	f.Cursor = filepath.Join(f.Dir, "missing", "cursor")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := f.Run(ctx, true)
	testcheck.ErrorIs(t, err, fs.ErrNotExist, "Run")
	testcheck.Equal(t, len(sinkIDs(t, f)), 1, "records in the sink")
	testcheck.NoError(t, ctx.Err())
}

// TestCursorFollowsConfirmedRecords checks that a run leaves the cursor after the last record of the sink, even if it
// sent only one, and unchanged if it sent none. Only the owner can read sink and cursor, and earlier contents of the
// sink stay (U-77; UC-58).
func TestCursorFollowsConfirmedRecords(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for _, sink := range []string{"sink", "tcp", "file:a"} { // none of them a socket
		f := &Forwarder{Dir: log, Sink: filepath.Join(dir, sink), Cursor: filepath.Join(dir, sink+".cursor")}
		testcheck.NoError(t, os.WriteFile(f.Sink, []byte("before\n"), 0o600))
		testcheck.NoError(t, os.RemoveAll(log))
		sent := 0
		for _, n := range []int{0, 0, 1, 0, 2, 3} {
			writeLog(t, Config{Dir: log}, n)
			for range 2 { // the second run finds no record
				testcheck.NoError(t, f.Run(t.Context(), false))
				testcheck.That(t, f.out == nil, "%s: the sink is open after a run", sink)
			}
			sent += n + 2
			checkCursor(t, f, sent+1)
		}
		lines := strings.Split(strings.TrimSuffix(string(testcheck.Must(os.ReadFile(f.Sink))), "\n"), "\n")
		testcheck.That(t, len(lines) == sent+1 && lines[0] == "before",
			"%s: %d lines, the first one %q, want %d, \"before\"", sink, len(lines), lines[0], sent+1)
		for i, line := range lines[1:] {
			if e, err := audit.ParseEvent([]byte(line)); err != nil || e.RecordID != uint64(i+1) || len(e.Chain) != 32 {
				t.Errorf("%s: line %d has record %d, chain %x, %v, want %d and 32 bytes", sink, i+1, e.RecordID, e.Chain, err,
					i+1)
			}
		}
		old := []byte(" " + strconv.Itoa(sent+1)) // without a hash
		testcheck.NoError(t, os.WriteFile(f.Cursor, old, 0o640))
		testcheck.NoError(t, f.Run(t.Context(), false))
		testcheck.Equal(t, string(testcheck.Must(os.ReadFile(f.Cursor))), string(old), "cursor, though nothing came")
		for _, text := range []string{"x", "0", "", "-1", "1x", "18446744073709551616", "1 x", "1 00"} {
			testcheck.NoError(t, os.WriteFile(f.Cursor, []byte(text), 0o600))
			if err := f.Run(t.Context(), false); err == nil || !strings.Contains(err.Error(), "has no RecordId") {
				t.Errorf("Run with the cursor %q = %v, want that it has no RecordId", text, err)
			}
		}
		testcheck.NoError(t, os.Remove(f.Cursor))
		testcheck.NoError(t, os.Remove(f.Sink))
		testcheck.NoError(t, f.Run(t.Context(), false))
		for _, name := range []string{f.Sink, f.Cursor} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("Stat(%q) = %v, %v, want a file of mode 0600", name, info, err)
			}
		}
		if _, err := os.Stat(f.Cursor + ".new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a half cursor is left: %v, want %v", sink, err, fs.ErrNotExist)
		}
	}
}

// Each record is a line of its own, even if the file ends with an incomplete line (U-77).
func TestForwarderEndsIncompleteLine(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 0)
	testcheck.NoError(t, os.WriteFile(f.Sink, []byte("{}\n{\"id\":1,\"ti"), 0o600))
	testcheck.NoError(t, f.Run(t.Context(), false))
	lines := strings.SplitAfter(string(testcheck.Must(os.ReadFile(f.Sink))), "\n")
	testcheck.RequireThat(t, len(lines) == 5 && lines[1] == "{\"id\":1,\"ti\n" && lines[4] == "",
		"lines %q, want the part, and two records after it", lines)
	for i, line := range lines[2:4] {
		testcheck.Equal(t, testcheck.Must(audit.ParseEvent([]byte(line[:len(line)-1]))).RecordID, uint64(i+1), "record")
	}
}

// A cursor beyond the end of the log belongs to another log, whose records this log would not send (U-77).
func TestForwarderRejectsCursorBeyondEnd(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 0)
	for _, follow := range []bool{false, true} {
		hash := map[bool]string{true: " " + strings.Repeat("0", 64)}[follow]
		testcheck.NoError(t, os.WriteFile(f.Cursor, []byte("4"+hash+"\n"), 0o600))
		if err := f.Run(t.Context(), follow); err == nil ||
			!strings.HasSuffix(err.Error(), "names record 4, and the last record is 2: remove it if the log was started again") {
			t.Errorf("Run with the cursor 4 behind 2 records = %v, want an error", err)
		}
	}
	testcheck.NoError(t, os.WriteFile(f.Cursor, []byte("3\n"), 0o600))
	testcheck.NoError(t, f.Run(t.Context(), false))
}

// A cursor of another log is an error, even if this log has more records than the cursor. Otherwise the forwarder would
// silently leave out the records up to the cursor (U-77).
func TestForwarderRejectsCursorOfAnotherLog(t *testing.T) {
	f := newForwarder(t)
	writeLog(t, Config{Dir: f.Dir}, 0)
	testcheck.NoError(t, f.Run(t.Context(), false))
	testcheck.NoError(t, f.Run(t.Context(), false))
	testcheck.NoError(t, os.RemoveAll(f.Dir))
	writeLog(t, Config{Dir: f.Dir}, 5)
	for _, follow := range []bool{false, true} {
		if err := f.Run(t.Context(), follow); err == nil ||
			!strings.Contains(err.Error(), "record 2 of the log is not the one that was sent: remove "+f.Cursor) {
			t.Errorf("Run with the cursor of another log = %v, want an error", err)
		}
	}
	testcheck.That(t, len(sinkIDs(t, f)) == 2, "records of the other log were sent")
	testcheck.NoError(t, os.Remove(f.Cursor))
	testcheck.NoError(t, f.Run(t.Context(), false))
	testcheck.That(t, len(sinkIDs(t, f)) == 9, "records without the cursor: %d, want 2 and 7", len(sinkIDs(t, f)))
}

// sinkOf is a sink that a test reads.
type sinkOf struct{ bytes.Buffer }

// Close implements io.Closer.
func (*sinkOf) Close() error { return nil }

// The cursor is written after a thousand records, or a second, when the sink has received them. Without that
// confirmation it does not change (U-77).
func TestCursorIsWrittenPeriodically(t *testing.T) {
	sink, dir := &sinkOf{}, t.TempDir()
	var taken []uint64
	var fails error
	f := &Forwarder{Cursor: filepath.Join(dir, "cursor"), out: sink, next: 1, saved: 1}
	f.taken = func() error { taken = append(taken, f.next); return fails }
	e := opened(t, audit.Failure, "report")
	send := func(first, last uint64) (failed []uint64) {
		for id := first; id <= last; id++ {
			e.RecordID, f.since = id, time.Now().Add(time.Hour) // before the second is over
			if _, err := f.line(nil, &e); err != nil {
				failed = append(failed, id)
			}
			testcheck.Equal(t, f.next, id+1, "behind record %d: the next one", id)
		}
		return failed
	}
	cursor := func(want string) {
		t.Helper()
		b, err := os.ReadFile(f.Cursor)
		if number, _, _ := strings.Cut(string(b), " "); number != want || (err != nil) != (want == "") {
			t.Errorf("the cursor is %q, want %q, %v", b, want, err)
		}
	}
	send(1, 999)
	cursor("")
	send(1000, 1999)
	cursor("1001")
	send(2000, 2100)
	cursor("2001")
	testcheck.That(t, f.saved == 2001 && f.sent == 100 && slices.Equal(taken, []uint64{1001, 2001}),
		"saved %d, %d since, taken at %d", f.saved, f.sent, taken)
	e.RecordID, f.since = 2101, time.Now().Add(-2*time.Second)
	if _, err := f.line(nil, &e); err != nil {
		t.Error(err)
	}
	cursor("2102")
	fails = errors.New("gone")
	if failed := send(2102, 3101); !slices.Equal(failed, []uint64{3101}) {
		t.Errorf("a sink that is gone fails at %d", failed)
	}
	f.out = nil // a lost connection, when the forwarder is interrupted
	testcheck.NoError(t, f.save())
	cursor("2102")
	testcheck.Equal(t, strings.Count(sink.String(), "\n"), 3101, "the sink: lines")
}
