package objects

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFastAndSlow: the quick reader of a line takes what it is for and leaves the rest, and what it takes the other one
// takes alike.
func TestFastAndSlow(t *testing.T) {
	for line, want := range map[string]string{ // path, type, form and descriptor of the quick reader; "" where it leaves the line
		`{"path":"/a","sd":"D:"}`:                                   `/a "/a" <nil> 1 D:`,
		`{"sd":"D:","path":"/a"}`:                                   `/a "/a" <nil> 1 D:`,
		`{"path":"/a","sdHex":"01","type":"file"}`:                  `/a "/a" file 2 01`,
		`{"type":"directory","path":"","sdBase64":"AQ=="}`:          ` "" directory 3 AQ==`,
		`{"type":"key","path":"a b","sd":"O:SYG:SYD:(A;;FA;;;SY)"}`: `a b "a b" key 1 O:SYG:SYD:(A;;FA;;;SY)`,
		`{"path":"/a","sd":"D:","sd":"D:P"}`:                        "", `{"path":"/a","path":"/b","sd":"D:"}`: "",
		`{"path":"/a","sd":"D:","type":"file","type":"file"}`: "", `{"path":"/a","sd":"D:","sdHex":"01"}`: "",
		`{"path":"/a","sd":""}`: "", `{"path":"/a"}`: "", `{"sd":"D:"}`: "", `{"path":"/a","sd":"D:","type":"x"}`: "",
		`{"path":"/é","sd":"D:"}`: "", `{"path":"/\u0061","sd":"D:"}`: "", `{ "path":"/a","sd":"D:"}`: "",
		`{"path":"/a","sd":"D:"} `: "", `{"path" :"/a","sd":"D:"}`: "", `{"path":"/a","sd":"D:","sid":"S-1-1-0"}`: "",
		`{"path":"/a","sd":"D:",}`: "", `{"path":"/a""sd":"D:"}`: "", `{"path":"/a","sd":null}`: "", `{}`: "", `{`: "", ``: "",
		`{"path":"/a","sd":"D:"`: "", `{"path":"/a;"sd":"D:"}`: "", "{\"path\":\"/a\tb\",\"sd\":\"D:\"}": "",
		"{\"path\":\"/a\x7f\",\"sd\":\"D:\"}": "/a\x7f \"/a\x7f\" <nil> 1 D:", `{"path":7,"sd":"D:"}`: "", `["path","sd"]`: "",
	} {
		text := func(o *Object) string {
			typ := "<nil>"
			if o.Type != nil {
				typ = TypeName(o.Type)
			}
			return fmt.Sprintf("%s %s %s %d %s", o.Path, o.Quoted, typ, o.Form, o.SD)
		}
		var fast, slow Object
		took := fast.fast([]byte(line))
		if got := text(&fast); took != (want != "") || took && got != want {
			t.Errorf("%s: taken %t as %s, want %s", line, took, got, want)
		}
		slow.slow([]byte(line), 1)
		if took && (slow.Err != nil || string(slow.Path) != string(fast.Path) || slow.Type != fast.Type ||
			slow.Form != fast.Form || string(slow.SD) != string(fast.SD)) {
			t.Errorf("%s: the other reader has %s, %v", line, text(&slow), slow.Err)
		}
	}
	for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 17} { // eight at a time, and what is left
		for at := range n {
			for c := range 256 {
				b := bytes.Repeat([]byte{'x'}, n)
				b[at] = byte(c)
				if got, want := plainASCII(b), c >= ' ' && c < 0x80 && c != '\\'; got != want {
					t.Fatalf("byte %#x at %d of %d: plain %t", c, at, n, got)
				}
			}
		}
	}
}

// scattered gives its text in pieces of so many bytes.
type scattered struct {
	text string
	n    int
}

func (s *scattered) Read(b []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(s.n, len(b))], s.text)
	s.text = s.text[n:]
	return n, nil
}

// TestBatchesOfLines: however the input comes, each line is in one batch, which knows where it ends and which lines it
// has; a line of a limit is read, and a longer one is not.
func TestBatchesOfLines(t *testing.T) {
	line := func(i, n int) string {
		return fmt.Sprintf(`{"path":"%d","sd":"O:SYG:SYD:%s"}`, i, strings.Repeat(" ", n)) + "\n"
	}
	var all strings.Builder
	for i := range 3000 {
		all.WriteString(line(i, i%900))
		if i%50 == 0 {
			all.WriteString("\r\n")
		}
	}
	whole := all.String() + strings.TrimSuffix(line(3000, 5), "\n")
	for _, piece := range []int{1 << 10, 1<<19 - 1, 1 << 19, 1 << 22} {
		s := Lines(&scattered{whole, piece}, 100, 7)
		end, first, next := int64(100), 7, 0
		for {
			var b Batch
			err := s.Next(&b)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.First != first || b.End-end != int64(len(b.data)) || b.Lines < 1 {
				t.Fatalf("pieces of %d: a batch from line %d of %d lines to byte %d, want line %d", piece, b.First, b.Lines, b.End, first)
			}
			end, first = b.End, b.First+b.Lines
			b.Each(func(o *Object) {
				if string(o.Path) != fmt.Sprint(next) || o.Err != nil {
					t.Fatalf("pieces of %d: %s, want %d (%v)", piece, o.Path, next, o.Err)
				}
				next++
			})
		}
		if next != 3001 || end != 100+int64(len(whole)) || first != 7+strings.Count(whole, "\n")+1 {
			t.Errorf("pieces of %d: %d objects to byte %d, line %d", piece, next, end, first)
		}
	}
	for text, want := range map[string]string{
		strings.Repeat("x", MaxLine+1<<20):              "the line after byte 0 is longer than 4194304 bytes",
		line(0, 0) + strings.Repeat("x", MaxLine+1<<20): "the line after byte 39 is longer",
		"\xff\xfe{": "the file is UTF-16: save it as UTF-8",
	} {
		s := Lines(strings.NewReader(text+"\n"), 0, 0)
		var err error
		for err == nil {
			var b Batch
			err = s.Next(&b)
		}
		if !strings.Contains(err.Error(), want) && !(errors.Is(err, io.EOF) && strings.Contains(want, "longer")) {
			t.Errorf("%.20q…: %v, want %s", text, err, want)
		}
	}
}

// TestManaged: of an LDIF file the accounts with a descriptor of who may read their password are objects, with that
// descriptor; another file has none (B-10).
func TestManaged(t *testing.T) {
	const ace = "O:SYG:SYD:(A;;0x1;;;WD)"
	entry := func(dn string, lines ...string) string {
		return "dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n"
	}
	managed := "msDS-GroupMSAMembership:: " + base64.StdEncoding.EncodeToString(bytesOf(t, ace))
	file := entry("CN=a", "objectClass: top", "nTSecurityDescriptor: O:SYG:SYD:") +
		entry("CN=b", "objectClass: top", "objectClass: msDS-GroupManagedServiceAccount", managed, "objectSid: S-1-5-21-1-2-3-4",
			"nTSecurityDescriptor: O:SYG:SYD:P") + entry("CN=c", managed)
	read := func(file string) (rows []string, err error) {
		s, err := Open("x.ldif", strings.NewReader(file))
		if err != nil {
			return nil, err
		}
		if s, err = Managed(s); err != nil {
			return nil, err
		}
		err = All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i Item) bool {
			rows = append(rows, fmt.Sprint(i.Path, " ", TypeName(i.Type), " ", i.Descriptor.DACL().Len(), " ", i.Err, " ",
				i.Entry.SID, " ", i.Entry.Classes, " ", i.Entry.Account(), i.Entry.Is("TOP"), i.Entry.Is("user")))
			return true
		})
		return rows, err
	}
	rows, err := read(file)
	want := "[CN=b directoryService 1 <nil> S-1-5-21-1-2-3-4 [top msDS-GroupManagedServiceAccount] true true false " +
		"CN=c directoryService 1 <nil> " + sid.SID{}.String() + " [] false false false]"
	if err != nil || fmt.Sprint(rows) != want {
		t.Errorf("B-10: %v\n got %v\nwant %s", err, rows, want)
	}
	if _, err := read(entry("CN=a", "nTSecurityDescriptor: O:SYG:SYD:")); err == nil ||
		!strings.Contains(err.Error(), "no entry has msDS-GroupMSAMembership") {
		t.Errorf("B-10: no account: %v", err)
	}
	s, err := Open("x.jsonl", strings.NewReader("{}"))
	if err == nil {
		_, err = Managed(s)
	}
	if !errors.Is(err, ErrNoManaged) {
		t.Errorf("B-10: JSON lines: %v", err)
	}
	for wrong, why := range map[string]string{"msDS-GroupMSAMembership:: !": "line 2: msDS-GroupMSAMembership: wrong base64",
		"objectSid:: !": "line 2: objectSid: wrong base64", "nTSecurityDescriptor:: !": "line 2: nTSecurityDescriptor: wrong base64",
		"objectSid: x": "line 2: objectSid: ", "cn: x": "the entry that ends at line 3 has no nTSecurityDescriptor"} {
		rows, err := rowsOf(t, "x.ldif", strings.NewReader(entry("CN=a", wrong)))
		if err != nil || len(rows) != 1 || !strings.HasPrefix(rows[0], "CN=a error: "+why) {
			t.Errorf("%s: %v, %v", wrong, rows, err)
		}
	}
}
