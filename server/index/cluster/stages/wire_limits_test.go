package stages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index/cluster/site"
	"github.com/refmon/refmon/server/watch"
)

// TestMessageBeyondLimitIsRejected checks both sides of each limit of each message, and each missing or
// unexpected field (N-51, N-54, N-76).
func TestMessageBeyondLimitIsRejected(t *testing.T) {
	s, p := oneSite(t)
	record := func(b []byte) error { _, err := parseRecord(b); return err }
	class := func(b []byte) error { _, err := parseClass(b); return err }
	ofWatermark := func(b []byte) error { _, err := parseWatermark(b); return err }
	ofHead := func(b []byte) error { _, err := parseHead(b); return err }
	ofSeen := func(b []byte) error { _, _, err := parseSeen(s, p, b); return err }
	padded := func(text string, n int) string { return text + strings.Repeat(" ", n-len(text)) }
	const rec, fen, one = `{"generation":1,"worker":"w","cursor":1}`,
		`{"generation":1,"log":0,"cursor":0,"beat":{"time":1}}`,
		`{"id":"a","version":"","members":""}`
	hea := func(version, pieces int) string {
		return fmt.Sprintf(`{"started":1,"version":"%s","name":"0123456789abcdef","pieces":%d,"beat":{"time":1}}`,
			strings.Repeat("a", version), pieces)
	}
	documents := func(n int) string {
		return `{"run":"r","started":1,"documents":[` + strings.TrimSuffix(strings.Repeat(`{"path":"L3Nydg==","gone":true},`,
			n),
			",") + `]}`
	}
	folders := func(n int) string {
		var b, names strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"id":"f%d","passing":true,"version":"","members":""}`+"\n", i)
			fmt.Fprintf(&names, `"f%d",`, i)
		}
		return b.String() + `{"id":"x","version":"","members":"","through":[` + strings.TrimSuffix(names.String(), ",") + `]}`
	}
	for i, c := range []struct {
		read func([]byte) error
		text string
		why  string
	}{
		{record, rec, ""}, {record, padded(rec, 8<<20), ""}, {record, padded(rec, 8<<20+1), "a record of 8388609 bytes"},
		{record, `{"generation":0,"worker":"w","cursor":1}`, "generation"},
		{record, `{"generation":1,"worker":"","cursor":1}`, "generation"},
		{record, `{"generation":1,"worker":"w","cursor":1,"piece":-1}`, "pieces"},
		{record, `{"generation":1,"worker":"w","cursor":1,"final":true}`, "pieces"},
		{record, `{"generation":1,"worker":"w","cursor":1,"piece":1,"final":true}`, ""}, {record, "", "generation"},
		{record, rec + "\n" + `{"seq":1,"time":0,"gone":"x"}`, ""}, {record, rec + "\n{}", "has 0 changes"},
		{class, one, ""}, {class, padded(one, 8<<20), ""}, {class, padded(one, 8<<20+1), "a class of 8388609 bytes"},
		{class, folders(1), ""}, {class, folders(4096), ""}, {class, folders(4097), "more than 4096 folders"},
		{class, strings.Replace(folders(1), `"passing":true,`, "", 1), "class f0 is not the class of a folder above class x"},
		{class, strings.Replace(folders(1), `"id":"x",`, `"id":"x","passing":true,`, 1), "class x is not"},
		{class, strings.Replace(folders(2), `["f0","f1"]`, `["f1"]`, 1), "class f0 is not the class of a folder above"},
		{class, strings.Replace(one, `"id"`, `"passing":true,"id"`, 1), "class a is not"}, {class, "", "want a value"},
		{ofWatermark, fen, ""}, {ofWatermark, padded(fen, 1024), ""}, {ofWatermark, padded(fen, 1025), "1025 bytes"},
		{ofWatermark, strings.Replace(fen, `"generation":1`, `"generation":0`, 1), "without a generation"},
		{ofWatermark, strings.Replace(fen, `"time":1`, `"time":0`, 1), "or a heartbeat"},
		{ofWatermark, strings.Replace(fen, `"time":1`, `"time":-1`, 1), "or a heartbeat"},
		{ofHead, hea(64, 1), ""}, {ofHead, padded(hea(64, 256), 1024), ""}, {ofHead, padded(hea(64, 1), 1025), "1025 bytes"},
		{ofHead, hea(64, 257), "pieces"}, {ofHead, hea(64, 0), "pieces"}, {ofHead, hea(63, 1), "version"},
		{ofHead, hea(65, 1), "version"}, {ofHead, strings.Replace(hea(64, 1), `"started":1`, `"started":0`, 1), "directory"},
		{ofHead, strings.Replace(hea(64, 1), `"name":"0`, `"name":"\u0000`, 1), "a name"}, // no database can store it
		{ofHead, strings.Replace(hea(64, 1), `"time":1`, `"time":0`, 1), "a heartbeat"},
		{ofSeen, documents(1024), ""}, {ofSeen, documents(1025), "1025 documents"},
		{ofSeen, padded(documents(1), 4<<20), ""}, {ofSeen, padded(documents(1), 4<<20+1), "4194305 bytes"},
		{ofSeen, strings.Replace(documents(1), `"started":1`, `"started":-1`, 1), "run"},
	} {
		if why := errorText(c.read([]byte(c.text))); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%d: %.80q of %d bytes: %q, want %q", i, c.text, len(c.text), why, c.why)
		}
	}
}

// TestMessagesSurviveEncoding checks that records, classes, documents and heartbeats survive encoding and
// parsing.
func TestMessagesSurviveEncoding(t *testing.T) {
	r := record{Generation: 1, Worker: "w", Tries: 2, Cursor: 3, Started: 4, Whole: true, Refused: 5, Poison: 6, Piece: 7,
		Final: true, lines: [][]byte{[]byte(`{"seq":1,"time":2,"gone":"x"}`), []byte(`{"seq":2,"time":2,"directory":"v"}`)}}
	b := check.Must(r.bytes())
	got := check.Must(parseRecord(b))
	events := got.events
	got.events, r.lines = nil, nil
	if fmt.Sprintf("%+v", *got) != fmt.Sprintf("%+v", r) || len(events) != 2 || events[0].Gone != "x" ||
		events[1].Directory != "v" {
		t.Errorf("%+v with %+v, want %+v", got, events, r)
	}
	d, e := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	m, known := seen{Run: "r", Started: 9, End: true, Beat: &heartbeat{5, 6, watch.BootID()}}, map[string]int{}
	sizes := 0
	for _, x := range []watch.Seen{{Path: "/srv/a", Folder: true, Descriptor: d}, {Path: "/srv/b", Descriptor: e},
		{Path: "/srv/c", Descriptor: d}, {Path: "/srv/d", Err: errors.New("no\xff"), Descriptor: e}, {Path: "/srv/e",
			Gone: true}, {Path: "/srv/f"}} {
		sizes += m.add(&x, known)
	}
	if want := 6*(2*6+64) + 2*(len(d.AppendOriginal(nil))+len(e.AppendOriginal(nil))) + 5; sizes != want ||
		len(m.Descriptors) != 2 {
		t.Errorf("%d bytes, want %d; %d descriptors", sizes, want, len(m.Descriptors))
	}
	body := check.Must(json.Marshal(&m))
	one, _, err := site.New(site.Site{Rights: "read", Hosts: map[string][]string{"a": {"/srv"}}})
	check.NoError(t, err)
	of, batch, err := parseSeen(one, site.Part{Host: "a", Tree: "/srv"}, body)
	if err != nil || of.Run != "r" || of.Started != 9 || !batch.End || batch.Begin ||
		!batch.Heartbeat.Time.Equal(time.Unix(0,
			5)) || batch.Heartbeat.Up != 6 || len(batch.Seen) != 6 {
		t.Fatalf("%+v, %v", batch, err)
	}
	x := batch.Seen
	if !x[0].Folder || x[1].Folder || !x[0].Descriptor.Equal(d) || !x[1].Descriptor.Equal(e) ||
		x[2].Descriptor != x[0].Descriptor || x[3].Descriptor != nil || x[3].Err == nil ||
		x[3].Err.Error() != "no\uFFFD" || !x[4].Gone || x[5].Gone || x[5].Descriptor != nil || x[5].Err != nil {
		t.Errorf("%+v", x)
	}
	if run, started := walkOf(&message{Signed: site.Signed{Body: body}}); run != "r" || started != 9 {
		t.Errorf(`%q %d, want "r", 9`, run, started)
	}
	if run, started := walkOf(&message{Signed: site.Signed{Body: bytes.Repeat([]byte(" "), maxSeen+1)}}); run != "" ||
		started != 0 {
		t.Errorf(`%q %d, want "", 0`, run, started)
	}
	if b := (&heartbeat{5, 6, "another"}).moment(); b.Up != 0 || !b.Time.Equal(time.Unix(0, 5)) {
		t.Errorf("N-81: moment of another machine's heartbeat = %+v, want its time without uptime", b)
	}
	if heartbeatOf(watch.Heartbeat{}) != nil || *heartbeatOf(watch.Heartbeat{Time: time.Unix(0, 7),
		Up: 8}) != (heartbeat{7, 8, watch.BootID()}) {
		t.Error("the heartbeat differs from its moment, want {7 8} and this boot")
	}
	for ahead, want := range map[time.Duration]bool{time.Second: false, time.Second + 1: true, -time.Hour: false} {
		b := &heartbeat{Time: time.Unix(100, 0).Add(ahead).UnixNano()}
		if b.ahead(watch.Heartbeat{Time: time.Unix(100, 0)}) != want || b.early(&message{stored: time.Unix(100, 0)}) != want {
			t.Errorf("N-80: a heartbeat %v in the future counts as early: %t, want %t", ahead, !want, want)
		}
	}
}
