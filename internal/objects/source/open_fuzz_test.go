package source_test

import (
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// FuzzObjects: no source panics, whatever the bytes, and each gives as many
// items again when it is read twice.
func FuzzObjects(f *testing.F) {
	f.Add("a.jsonl", "{\"path\":\"/a\",\"sd\":\"O:SYD:(A;;FR;;;AU)\"}\n{\"path\":\n\n{}")
	f.Add("a.csv", "Path,Sddl\r\n\"C:\\a\nb\",D:(A;;FA;;;WD)\nx\n")
	f.Add("a.icacls", "a\nD:P\n\nb\n")
	f.Add("a.ldif", "version: 1\ndn: CN=a\nnTSecurityDescriptor:: AQAEgA==\n  \n\ndn:: /w==\n#x\n")
	f.Add("a.ldif", "dn: CN=a\nobjectClass: user\nobjectSid:: AQEAAAAAAAUSAAAA\nmsDS-GroupMSAMembership:: AQAEgA==\n"+
		"nTSecurityDescriptor:: AQAEgA==\n\ndn: CN=b\nobjectSid: S-1-5-18\n\ndn: CN=c\nobjectSid:: AQ==\n")
	f.Add("a.jsonl", "{\"path\":\"/a\",\"sid\":\"S-1-5-18\",\"sd\":\"D:\"}\n{\"path\":\"/b\",\"sid\":7,\"sd\":\"D:\"}")
	f.Add("a.csv", "\xff\xfeP\x00a\x00t\x00h\x00,\x00S\x00d\x00d\x00l\x00\n\x00\x3d\xd8") // half a character at the end
	f.Fuzz(func(t *testing.T, name, text string) {
		read := func() (n int, err error) {
			s, err := source.Open(name, strings.NewReader(text))
			if err != nil {
				return 0, err
			}
			err = objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
				check.That(t, i.Err != nil || i.Descriptor != nil, "%q: neither a descriptor nor an error", i.Path)
				n++
				return true
			})
			return n, err
		}
		n, err := read()
		if m, again := read(); n != m || (err == nil) != (again == nil) {
			t.Errorf("%d objects, %v; again %d, %v", n, err, m, again)
		}
	})
}
