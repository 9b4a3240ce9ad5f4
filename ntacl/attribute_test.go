package ntacl_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestRecorded decodes attributes that python3-samba and smbd wrote. The SDDL was determined manually.
func TestRecorded(t *testing.T) {
	for _, c := range []struct {
		file       string
		version    uint16
		hashType   uint16
		hash0      byte // first byte of the hash
		what       string
		firstOfSys byte
		sddl       string
	}{
		{"ntacl.v1", 1, 0, 0, "", 0, pythonSDDL},
		{"ntacl.v2", 2, 0, 0, "", 0, pythonSDDL},
		{"ntacl.v3", 3, 1, 0, "", 0, pythonSDDL},
		{"ntacl.v4", 4, 1, 0, "hello", 0x40, pythonSDDL},
		{"ntacl.v3.smbd", 3, 1, 0, "", 0, ""},
		{"ntacl.v4.smbd", 4, 1, 0x18, "posix_acl", 0x00, ""},
		{"samba_xattr_NTACL.dat", 4, 1, 0, "posix_acl", 0, ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			b := bytesOf(t, c.file)
			a, err := ntacl.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			text, err := sddl.Format(a.Descriptor, sddl.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Log(text)
			if a.Version != c.version || a.HashType != c.hashType || a.What != c.what || c.sddl != "" && text != c.sddl {
				t.Errorf("version %d, hash type %d, %q, %s", a.Version, a.HashType, a.What, text)
			}
			again, err := a.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(again, b) {
				t.Errorf("written again:\n%x, want %x\nread:\n%x", again, b, b)
			}
		})
	}
}

// pythonSDDL: deny 2 to an account, allow 0x1ff to Everyone, both for children
// too, protected and inherited automatically.
const pythonSDDL = "O:SYG:SYD:PAI(D;OICI;DC;;;S-1-5-21-1-2-3-2001)(A;OICI;CCDCLCSWRPWPDTLOCR;;;WD)"

// bytesOf reads a vector: bytes, or a dump of lines "[0010] 01 02 … text".
func bytesOf(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(recordings.File(t, "raw/"+name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("[0000]")) {
		return b
	}
	var out []byte
	for line := range strings.Lines(string(b)) {
		n := 0
		for _, word := range strings.Fields(line)[1:] {
			v, err := strconv.ParseUint(word, 16, 8)
			if err != nil || len(word) != 2 || n == 16 {
				break
			}
			out = append(out, byte(v))
			n++
		}
	}
	return out
}

func TestRefusals(t *testing.T) {
	good, err := (&ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ntacl.Decode(good); err != nil {
		t.Fatal(err)
	}
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	version := func(v byte) []byte { // the version is written twice
		b := change(0, v)
		b[2] = v
		return b
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:6], "version 0": version(0), "version 5": version(5), "two versions": change(2, 2),
		"null pointer": change(6, 0), "cut descriptor": good[:20], "offset before the descriptor": change(12, 4),
		"offset 0x8": change(12, 8),
	} {
		if _, err := ntacl.Decode(b); !errors.Is(err, ntacl.ErrAttribute) {
			t.Errorf("%s: %v, want %v", name, err, ntacl.ErrAttribute)
		}
	}
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	for _, a := range []ntacl.Attribute{{Descriptor: d}, {Version: 5, Descriptor: d}, {Version: 1},
		{Version: 4, What: "a\x00b", Descriptor: d}} { // each is invalid in one respect
		if _, err := a.Append(nil); !errors.Is(err, ntacl.ErrAttribute) {
			t.Errorf("%+v: %v, want %v", a, err, ntacl.ErrAttribute)
		}
	}
}

// Each version, truncated at each byte of its header, is an error. The longest attribute is accepted, and one byte
// more is rejected before anything is decoded.
func TestTruncatedHeadersAreRefused(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	for version, head := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
		whole, err := (&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range head {
			var a ntacl.Attribute
			if _, err := a.Split(whole[:n:n]); !errors.Is(err, ntacl.ErrAttribute) {
				t.Errorf("version %d, %d bytes of %d: %v, want %v", version, n, head, err, ntacl.ErrAttribute)
			}
		}
		most := append(bytes.Clone(whole), make([]byte, ntacl.MaxSize-len(whole))...)
		if _, err := new(ntacl.Attribute).Split(most); err != nil {
			t.Errorf("version %d of %d bytes: %v", version, len(most), err)
		}
		if _, err := new(ntacl.Attribute).Split(append(most, 0)); !errors.Is(err, ntacl.ErrAttribute) ||
			!strings.Contains(err.Error(), "longer than") {
			t.Errorf("version %d of %d bytes: %v", version, len(most)+1, err)
		}
	}
	open, err := (&ntacl.Attribute{Version: 4, What: "posix_acl", Descriptor: d}).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(open, []byte("posix_acl"))
	for i := at; i < len(open); i++ {
		open[i] = 'x'
	}
	if _, err := ntacl.Decode(open); !errors.Is(err, ntacl.ErrAttribute) || !strings.Contains(err.Error(), "no end") {
		t.Errorf("a description without an end: %v", err)
	}
}

// An offset that points before the descriptor is refused, also where it would be
// one of a part if it counted from the descriptor's own start.
func TestOffsetsBeforeTheDescriptor(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")
	for version, at := range map[uint16]int{2: 28, 3: 80, 4: 160} {
		good, err := (&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		for field := at + 4; field < at+20; field += 4 {
			b := bytes.Clone(good)
			off := binary.LittleEndian.Uint32(b[field:])
			binary.LittleEndian.PutUint32(b[field:], off-uint32(at))
			if off-uint32(at) > uint32(at) {
				continue
			}
			if a, err := ntacl.Decode(b); !errors.Is(err, ntacl.ErrAttribute) {
				t.Errorf("version %d, the offset %d at byte %d: %v, %v, want %v", version, off-uint32(at), field, a,
					err, ntacl.ErrAttribute)
			}
		}
	}
}

// Each part of a descriptor may be missing: its offset is 0, and the other parts survive encoding.
func TestMissingPartsAreAbsent(t *testing.T) {
	for _, text := range []string{"O:BA", "G:SY", "D:(A;;FA;;;WD)", "S:(AU;SA;FA;;;WD)", "O:BAD:(A;;FA;;;WD)",
		"G:SYS:(AU;SA;FA;;;WD)", "O:BAG:SY", ""} {
		for version, at := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
			d := sddl.MustParse(text)
			b, err := (&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			for field, there := range []bool{!d.Owner().IsZero(), !d.Group().IsZero(), d.SACL() != nil, d.DACL() != nil} {
				if off := binary.LittleEndian.Uint32(b[at+4+4*field:]); (off != 0) != there {
					t.Errorf("version %d of %q: part %d has the offset %d", version, text, field, off)
				}
			}
			a, err := ntacl.Decode(b)
			if err != nil || !a.Descriptor.Equal(d) {
				t.Errorf("version %d of %q comes back as %v, %v", version, text, a, err)
			}
		}
	}
}

// An attribute may end after its header: it is decoded, and the missing descriptor is an error of the descriptor.
func TestSplitAtTheEnd(t *testing.T) {
	for version, at := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
		good, err := (&ntacl.Attribute{Version: version, What: "posix_acl",
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		var a ntacl.Attribute
		if rest, err := a.Split(good[:at]); err != nil || len(rest) != 0 || a.Version != version {
			t.Errorf("version %d: %x, %v", version, rest, err)
		}
		if _, err := a.Split(good[:at-1]); !errors.Is(err, ntacl.ErrAttribute) {
			t.Errorf("version %d, a byte less: %v, want %v", version, err, ntacl.ErrAttribute)
		}
	}
}

// FuzzDecode: no panic, and a decoded attribute survives encoding.
func FuzzDecode(f *testing.F) {
	for v := uint16(1); v <= 4; v++ {
		b, err := (&ntacl.Attribute{Version: v, HashType: 1, What: "posix_acl", Time: 5,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")}).Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)            // a version each
		f.Add(b[:len(b)-4]) // cut inside the last SID
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ntacl.Decode(b)
		if err != nil {
			return
		}
		again, err := a.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ntacl.Decode(again)
		if err != nil {
			t.Fatalf("%v: %x", err, again)
		}
		if c.Version != a.Version || c.HashType != a.HashType || c.Hash != a.Hash || c.What != a.What || c.Time != a.Time ||
			c.SystemHash != a.SystemHash || !c.Descriptor.Equal(a.Descriptor) {
			t.Errorf("%+v\n%+v", a, c)
		}
	})
}

// After a description of any length time and descriptor are aligned to four, the time after the description and the
// descriptor 72 bytes after the time.
func TestAlignedInVersion4(t *testing.T) {
	for _, what := range []string{"", "a", "ab", "abc", "abcd", "posix_acl"} {
		a := ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: what, Time: 0x0123456789ABCDEF,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}
		b, err := a.Append([]byte("xyz")) // existing bytes do not matter
		if err != nil {
			t.Fatal(err)
		}
		b = b[3:]
		at := (4 + 4 + 4 + 2 + 64 + len(what) + 1 + 3) &^ 3
		if got := binary.LittleEndian.Uint64(b[at:]); got != uint64(a.Time) {
			t.Errorf("%q: at %d stands %#x, want the time", what, at, got)
		}
		if b[at+72] != 1 || b[at+72+3] != 0x80 { // revision 1, SE_SELF_RELATIVE
			t.Errorf("%q: at %d stands % x, want the descriptor", what, at+72, b[at+72:at+76])
		}
		got, err := ntacl.Decode(b)
		if err != nil || got.What != what || got.Time != a.Time || !got.Descriptor.Equal(a.Descriptor) {
			t.Errorf("%q: %+v, %v", what, got, err)
		}
	}
}
