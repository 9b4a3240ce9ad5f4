// Package sharphound reads objects from the JSON files of SharpHound and of BloodHound's other collectors, zipped or
// not. An object has the entries that its list "Aces" names.
package sharphound

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/directory/bloodhound"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// MaxFile is the size limit of a file or zip, in bytes. A larger one is an error.
const MaxFile = 1 << 28

// maxEntries is the largest number of entries of one object. A list of 64 KiB has fewer.
const maxEntries = 1 << 13

// classes maps the type of a collector's file to the classes of its objects, from top down.
var classes = map[string][]string{
	"users":     {"top", "person", "organizationalPerson", "user"},
	"computers": {"top", "person", "organizationalPerson", "user", "computer"},
	"groups":    {"top", "group"}, "domains": {"top", "domain", "domainDNS"},
	"ous": {"top", "organizationalUnit"}, "containers": {"top", "container"},
	"gpos":          {"top", "container", "groupPolicyContainer"},
	"certtemplates": {"top", "pKICertificateTemplate"}, "enterprisecas": {"top", "pKIEnrollmentService"},
	"rootcas": {"top", "certificationAuthority"}, "aiacas": {"top", "certificationAuthority"},
	"ntauthstores": {"top", "certificationAuthority"}, "issuancepolicies": {"top", "msPKI-Enterprise-Oid"},
}

// source returns the objects of the files, which it reads whole at the first call.
type source struct {
	in   io.Reader
	list []objects.Object
	left map[string]int // entries that were left out, by their right
	err  error
	read bool
	at   int
}

// New returns the source of a collector's file. It reads nothing yet: the first Next reads the whole file, at most
// [MaxFile], and so does [objects.Loss]. A malformed file is an error of Next.
func New(in io.Reader) objects.Source { return &source{in: in, left: map[string]int{}} }

// Is reports whether the beginning of a file is a collector's: a zip, or JSON whose first name is data or meta. Blanks
// before it are ignored.
func Is(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(head))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return false
	}
	key, err := d.Token()
	return err == nil && (key == "data" || key == "meta")
}

// Next fills b with objects of the files, or returns io.EOF at the end. The first call reads the files, and every
// call returns the error of that.
func (s *source) Next(b *objects.Batch) error {
	if err := s.load(); err != nil {
		return err
	}
	return objects.Gather(b, func(o *objects.Object) error {
		if s.at == len(s.list) {
			return io.EOF
		}
		*o = s.list[s.at]
		s.at++
		return nil
	})
}

// Loss says what the form does not have, and which entries have no counterpart. For a file that cannot be read it is
// "".
func (s *source) Loss() string {
	if s.load() != nil {
		return ""
	}
	text := "SharpHound keeps entries that allow certain rights: denials, the order of entries, and other rights such " +
		"as reading are not known"
	var left []string
	for _, name := range slices.Sorted(maps.Keys(s.left)) {
		left = append(left, fmt.Sprintf("%d %s", s.left[name], name))
	}
	if len(left) > 0 {
		text += "; left out: " + strings.Join(left[:min(len(left), 10)], ", ")
	}
	return text + ". An LDIF with nTSecurityDescriptor has everything"
}

// Load reads the input of s, and returns the error of Next before the first object. It returns nil for a source of
// another package.
func Load(s objects.Source) error {
	if s, ok := s.(*source); ok {
		return s.load()
	}
	return nil
}

// load reads and parses the input at the first call, up to MaxFile bytes. Later calls return the error of the first.
// A larger file, and one without any object, are errors.
func (s *source) load() error {
	if s.read {
		return s.err
	}
	s.read = true
	file, err := io.ReadAll(io.LimitReader(s.in, MaxFile+1))
	switch {
	case err != nil:
		s.err = fmt.Errorf("read objects: %w", err)
	case len(file) > MaxFile:
		s.err = fmt.Errorf("the collector's file is larger than %d MiB", MaxFile>>20)
	default:
		s.err = bloodhound.Files(file, s.file)
	}
	if s.err == nil && len(s.list) == 0 {
		s.err = errors.New("the collector's files have no objects with Aces: collect with --CollectionMethods ACL or All")
	}
	return s.err
}

// collected is an object of a file.
type collected struct {
	ObjectIdentifier string
	IsDeleted        bool
	IsACLProtected   bool
	Aces             []ace
	Properties       struct {
		Name, SAMAccountName, DistinguishedName string
	}
}

// ace is an entry of an object: an account, a right by BloodHound's name, and whether it was inherited.
type ace struct {
	PrincipalSID, RightName string
	IsInherited             bool
}

// file appends the objects of one JSON file to s.list. Deleted objects and files about other kinds of objects, such
// as sessions, are skipped. Versions other than 4 to 6, a missing "meta" and malformed JSON are errors. An error about
// JSON has the position.
func (s *source) file(text []byte) error {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var f struct {
		Data json.RawMessage
		Meta *struct {
			Type    string
			Version int
		}
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return bloodhound.JSONError(text, 0, err)
	}
	if f.Meta == nil {
		return errors.New(`there is no "meta": is this a file of BloodHound's collectors?`)
	}
	class := classes[f.Meta.Type]
	if class == nil {
		return nil // such as sessions
	}
	if err := bloodhound.CheckVersion(f.Meta.Version); err != nil {
		return err
	}
	var data []collected
	if err := json.Unmarshal(f.Data, &data); err != nil {
		return bloodhound.JSONError(text, bytes.Index(text, f.Data), err)
	}
	for i := range data {
		if c := &data[i]; !c.IsDeleted {
			s.list = append(s.list, s.object(c, class))
		}
	}
	return nil
}

// object converts a collected object. Its path is the distinguished name, else the name, else the id. A domain has no
// SID. The last of several owners counts. Entries without counterpart in SDDL are counted in s.left. More than
// maxEntries entries set Err.
func (s *source) object(c *collected, class []string) objects.Object {
	entry := &objects.Entry{Classes: class, Name: c.Properties.SAMAccountName}
	if id, err := bloodhound.ParseSID(c.ObjectIdentifier); err == nil && class[len(class)-1] != "domainDNS" {
		entry.SID = id
	}
	name := c.Properties.DistinguishedName
	if name == "" {
		name = c.Properties.Name
	}
	if name == "" {
		name = c.ObjectIdentifier
	}
	o := objects.Object{Path: []byte(name), Type: winnt.DirectoryServiceObject, Entry: entry,
		Note: objects.NoteCollected}
	if len(c.Aces) > maxEntries {
		o.Err = fmt.Errorf("the object has more than %d entries", maxEntries)
		return o
	}
	owner, control := "", ""
	if c.IsACLProtected {
		control = "P"
	}
	var list strings.Builder
	for _, a := range c.Aces {
		who, err := bloodhound.ParseSID(a.PrincipalSID)
		if err != nil {
			s.left["entries without a SID"]++
			continue
		}
		if a.RightName == "Owns" || a.RightName == "Owner" {
			owner = "O:" + who.String()
			continue
		}
		if !s.add(&list, &a, who) {
			s.left[right(a.RightName)]++
		}
	}
	o.SD, o.Form = []byte(owner+"D:"+control+list.String()), objects.FormSDDL
	return o
}

// right returns the name of a collector's right for a message. A name of more than 40 bytes becomes "rights with long
// names".
func right(name string) string {
	if len(name) > 40 {
		return "rights with long names"
	}
	return name
}

// add appends the collected right a of the account who to list, in SDDL. A right can become several ACL entries. add
// returns false and appends nothing for an unknown right, or a right that needs a GUID of the forest.
func (s *source) add(list *strings.Builder, a *ace, who sid.SID) bool {
	// The words have the masks and types of Microsoft's pages (B-63).
	rights, err := words.Parse(a.RightName)
	if err != nil || len(rights) != 1 || rights[0].Managed() {
		return false
	}
	flags := ""
	if a.IsInherited {
		flags = "ID"
	}
	for _, p := range rights[0].Parts(winnt.DirectoryServiceObject) {
		if n := len(p.Types); n > 0 {
			fmt.Fprintf(list, "(OA;%s;%#x;%v;;%v)", flags, uint32(p.Mask), p.Types[n-1], who)
			continue
		}
		fmt.Fprintf(list, "(A;%s;%#x;;;%v)", flags, uint32(p.Mask), who)
	}
	return true
}
