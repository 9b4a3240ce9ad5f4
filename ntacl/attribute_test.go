package ntacl_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Decode reads attributes that python3-samba and smbd wrote, and Append writes the same bytes. The SDDL was
// determined manually.
func TestDecodeReadsSambaAttributes(t *testing.T) {
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
			a := check.Must(ntacl.Decode(b))
			text := check.Must(sddl.Format(a.Descriptor, sddl.Options{}))
			t.Log(text)
			check.That(t, a.Version == c.version && a.HashType == c.hashType && a.What == c.what &&
				(c.sddl == "" || text == c.sddl), "Decode: version %d, hash type %d, %q, %s; want %d, %d, %q, %s",
				a.Version, a.HashType, a.What, text, c.version, c.hashType, c.what, c.sddl)
			again := check.Must(a.Append(nil))
			check.That(t, bytes.Equal(again, b), "Append after Decode:\n%x\nwant\n%x", again, b)
		})
	}
}

// pythonSDDL denies 2 to an account and allows 0x1ff to Everyone. Both entries are inherited by children. The DACL is
// protected and automatically inherited.
const pythonSDDL = "O:SYG:SYD:PAI(D;OICI;DC;;;S-1-5-21-1-2-3-2001)(A;OICI;CCDCLCSWRPWPDTLOCR;;;WD)"

// bytesOf reads a recorded file: bytes, or a dump with lines "[0010] 01 02 … text".
func bytesOf(t *testing.T, name string) []byte {
	t.Helper()
	b := check.Must(os.ReadFile(recordings.File(t, "raw/"+name)))
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

// Decode rejects attributes with a wrong version, a truncated part or a wrong offset, and Append rejects values that
// cannot be encoded.
func TestInvalidAttributesAreRejected(t *testing.T) {
	good := check.Must((&ntacl.Attribute{Version: 1, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}).Append(nil))
	check.NoError(t, check.Err(ntacl.Decode(good)))
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
		"a version of two bytes": change(3, 1), "null pointer": change(6, 0), "cut descriptor": good[:20],
		"offset before the descriptor": change(12, 4), "offset 0x8": change(12, 8),
	} {
		_, err := ntacl.Decode(b)
		check.That(t, errors.Is(err, ntacl.ErrAttribute), "Decode, %s: %v, want %v", name, err, ntacl.ErrAttribute)
	}
	_, err := ntacl.Decode(change(6, 0))
	check.That(t, strings.Contains(err.Error(), "at byte 4: a pointer is null"), "the pointer at byte 4 is null: %v", err)
	_, err = ntacl.Decode(good[:6])
	check.That(t, strings.Contains(err.Error(), "at byte 4: 2 bytes are missing"), "an attribute of 6 bytes: %v", err)
	var bad *sd.DecodeError
	check.That(t, errors.As(check.Err(ntacl.Decode(good[:20])), &bad), "Decode of a cut descriptor wraps no DecodeError")
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	for _, a := range []ntacl.Attribute{{Descriptor: d}, {Version: 5, Descriptor: d}, {Version: 1},
		{Version: 4, What: "a\x00b", Descriptor: d},
		{Version: 4, What: "\x00", Descriptor: d}} { // each has one invalid field
		dst, err := a.Append([]byte("before"))
		check.That(t, errors.Is(err, ntacl.ErrAttribute) && string(dst) == "before",
			"Append of %+v: %q, %v; want the same bytes, %v", a, dst, err, ntacl.ErrAttribute)
	}
}

// An attribute that is truncated within its header is an error in each version. Split accepts the longest attribute
// and rejects one byte more before it decodes anything.
func TestTruncatedHeadersAreRefused(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	for version, head := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
		whole := check.Must((&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil))
		for n := range head {
			var a ntacl.Attribute
			_, err := a.Split(whole[:n:n])
			check.That(t, errors.Is(err, ntacl.ErrAttribute),
				"Split of version %d, %d of %d bytes: %v, want %v", version, n, head, err, ntacl.ErrAttribute)
		}
		for _, other := range []byte{byte(version - 1), byte(version + 1)} {
			b := bytes.Clone(whole)
			b[2] = other
			_, err := ntacl.Decode(b)
			check.That(t, errors.Is(err, ntacl.ErrAttribute) && strings.Contains(err.Error(), "at byte 2: version"),
				"Decode of version %d, repeated as %d: %v, want an error at byte 2", version, other, err)
		}
		most := append(bytes.Clone(whole), make([]byte, ntacl.MaxSize-len(whole))...)
		check.Equal(t, check.Err(new(ntacl.Attribute).Split(most)), nil,
			"Split of version %d with %d bytes", version, len(most))
		_, err := new(ntacl.Attribute).Split(append(most, 0))
		check.That(t, errors.Is(err, ntacl.ErrAttribute) && strings.Contains(err.Error(),
			fmt.Sprintf("at byte %d: longer than", ntacl.MaxSize)),
			"Split of version %d with %d bytes: %v, want an error that it is too long", version, len(most)+1, err)
	}
	open := check.Must((&ntacl.Attribute{Version: 4, What: "posix_acl", Descriptor: d}).Append(nil))
	at := bytes.Index(open, []byte("posix_acl"))
	for i := at; i < len(open); i++ {
		open[i] = 'x'
	}
	_, err := ntacl.Decode(open)
	want := fmt.Sprintf("at byte %d: the description has no end", at)
	check.That(t, errors.Is(err, ntacl.ErrAttribute) && strings.Contains(err.Error(), want),
		"Decode of a description without a terminator: %v, want %q", err, want)
}

// Decode rejects an offset that points before the descriptor, even if it would be valid relative to the descriptor.
func TestOffsetBeforeDescriptorIsRejected(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")
	for version, at := range map[uint16]int{2: 28, 3: 80, 4: 160} {
		good := check.Must((&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil))
		for field := at + 4; field < at+20; field += 4 {
			b := bytes.Clone(good)
			off := binary.LittleEndian.Uint32(b[field:])
			binary.LittleEndian.PutUint32(b[field:], off-uint32(at))
			if off-uint32(at) > uint32(at) {
				continue
			}
			if a, err := ntacl.Decode(b); !errors.Is(err, ntacl.ErrAttribute) {
				t.Errorf("Decode of version %d with offset %d at byte %d: %v, %v; want %v", version, off-uint32(at),
					field, a, err, ntacl.ErrAttribute)
			}
		}
	}
}

// Each part of a descriptor may be missing. Its offset is then 0, and the other parts are kept.
func TestMissingPartsHaveOffsetZero(t *testing.T) {
	for _, text := range []string{"O:BA", "G:SY", "D:(A;;FA;;;WD)", "S:(AU;SA;FA;;;WD)", "O:BAD:(A;;FA;;;WD)",
		"G:SYS:(AU;SA;FA;;;WD)", "O:BAG:SY", ""} {
		for version, at := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
			parts := sddl.MustParse(text).Parts()
			parts.Control, parts.RMControl = parts.Control|sd.RMControlValid, 7
			d := sd.New(parts)
			b := check.Must((&ntacl.Attribute{Version: version, What: "posix_acl", Descriptor: d}).Append(nil))
			for field, there := range []bool{!d.Owner().IsZero(), !d.Group().IsZero(), d.SACL() != nil, d.DACL() != nil} {
				off := binary.LittleEndian.Uint32(b[at+4+4*field:])
				check.That(t, (off != 0) == there,
					"version %d of %q: part %d has the offset %d, want one other than 0: %t", version, text, field, off, there)
			}
			a, err := ntacl.Decode(b)
			check.That(t, err == nil && a.Descriptor.Equal(d),
				"version %d of %q: Decode returns %v, %v; want an equal descriptor", version, text, a, err)
		}
	}
}

// Split accepts an attribute that ends after its header. The missing descriptor is an error of the descriptor.
func TestSplitAcceptsHeaderOnly(t *testing.T) {
	for version, at := range map[uint16]int{1: 8, 2: 28, 3: 80, 4: 160} {
		good := check.Must((&ntacl.Attribute{Version: version, What: "posix_acl",
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}).Append(nil))
		var a ntacl.Attribute
		if rest, err := a.Split(good[:at]); err != nil || len(rest) != 0 || a.Version != version {
			t.Errorf("Split of the header of version %d: rest %x, %v; want no rest, no error", version, rest, err)
		}
		_, err := a.Split(good[:at-1])
		check.That(t, errors.Is(err, ntacl.ErrAttribute),
			"Split of version %d without the header's last byte: %v, want %v", version, err, ntacl.ErrAttribute)
	}
}

// Split leaves nothing of an attribute that was decoded into the same value before.
func TestSplitForgetsEarlierAttribute(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	full := ntacl.Attribute{Version: 4, What: "posix_acl", Descriptor: d, Time: 7, HashType: 1, Hash: [64]byte{1},
		SystemHash: [64]byte{2}}
	for version := uint16(1); version <= 4; version++ {
		b := check.Must((&ntacl.Attribute{Version: version, Descriptor: d}).Append(nil))
		used, fresh := full, ntacl.Attribute{}
		check.Must(used.Split(bytes.Clone(b)))
		check.Must(fresh.Split(b))
		check.Equal(t, used, fresh, "version %d, decoded into a used value", version)
	}
}

// FuzzDecode checks that Decode does not panic and that a decoded attribute is equal after Append and Decode.
func FuzzDecode(f *testing.F) {
	for v := uint16(1); v <= 4; v++ {
		b := check.Must((&ntacl.Attribute{Version: v, HashType: 1, What: "posix_acl", Time: 5,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)")}).Append(nil))
		f.Add(b)            // each version
		f.Add(b[:len(b)-4]) // truncated inside the last SID
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ntacl.Decode(b)
		if err != nil {
			return
		}
		again := check.Must(a.Append(nil))
		c, err := ntacl.Decode(again)
		check.RequireThat(t, err == nil, "Decode after Append: %v: %x", err, again)
		check.That(t, c.Version == a.Version && c.HashType == a.HashType && c.Hash == a.Hash && c.What == a.What &&
			c.Time == a.Time && c.SystemHash == a.SystemHash && c.Descriptor.Equal(a.Descriptor),
			"after Append and Decode: %+v\nwant %+v", c, a)
	})
}

// In version 4 the time follows the description, and the descriptor is 72 bytes after the time. Both are aligned to
// four bytes, whatever the length of the description.
func TestVersion4AlignsTimeAndDescriptor(t *testing.T) {
	for _, what := range []string{"", "a", "ab", "abc", "abcd", "posix_acl"} {
		a := ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, What: what, Time: 0x0123456789ABCDEF,
			Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")}
		b, err := a.Append([]byte("xyz")) // existing bytes of the buffer do not matter
		check.NoError(t, err)
		b = b[3:]
		at := (4 + 4 + 4 + 2 + 64 + len(what) + 1 + 3) &^ 3
		if got := binary.LittleEndian.Uint64(b[at:]); got != uint64(a.Time) {
			t.Errorf("description %q: at byte %d is %#x, want the time %#x", what, at, got, uint64(a.Time))
		}
		if b[at+72] != 1 || b[at+72+3] != 0x80 { // revision 1, SE_SELF_RELATIVE
			t.Errorf("description %q: at byte %d is % x, want a descriptor", what, at+72, b[at+72:at+76])
		}
		got, err := ntacl.Decode(b)
		check.That(t, err == nil && got.What == what && got.Time == a.Time && got.Descriptor.Equal(a.Descriptor),
			"Decode with description %q: %+v, %v; want the encoded values", what, got, err)
	}
}

// TestReleasedAttributesAreRead reads the attributes that released versions wrote, and writes them with the same bytes.
// A newer version is an error that names it.
func TestReleasedAttributesAreRead(t *testing.T) {
	files, err := filepath.Glob("../testdata/formats/*/attribute.txt")
	check.RequireThat(t, err == nil && len(files) != 0, "%v %v", files, err)
	for _, name := range files {
		text := check.Must(os.ReadFile(name))
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			value := check.Must(hex.DecodeString(f[1]))
			a, err := ntacl.Decode(value)
			if err != nil || strconv.Itoa(int(a.Version)) != f[0] {
				t.Errorf("%s: version %s: %+v, %v", name, f[0], a, err)
				continue
			}
			want := sddl.MustParse(f[2])
			if got, _ := a.Append(nil); !bytes.Equal(a.Descriptor.Binary(), want.Binary()) || !bytes.Equal(got, value) {
				t.Errorf("%s: version %s: written as %x", name, f[0], got)
			}
			for version, advice := range map[byte]string{0: "", 5: ": use a release that knows it"} {
				value[0], value[2] = version, version
				want := fmt.Sprintf("version %d, want 1 to 4%s", version, advice)
				if _, err := ntacl.Decode(value); err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("version %d: %v, want %s", version, err, want)
				}
			}
		}
	}
}
