package bulk

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/winnt"
)

// rowsPerPortion is how many objects a batch holds that does not come from
// lines.
const rowsPerPortion = 2048

// Open chooses the source for an objects file by its name and its first bytes:
// JSON lines, CSV, an icacls save or LDIF, in UTF-8 or, as PowerShell and
// icacls write, UTF-16.
func Open(name string, in io.Reader) (Source, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	var text io.Reader = r
	wide := bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff"))
	if wide {
		text = &utf16Reader{in: r}
		head = nil
	}
	first := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch ext := strings.ToLower(path.Ext(name)); {
	case ext == ".csv":
		return newCSV(text), nil
	case ext == ".ldif" || ext == ".ldf":
		return newLDIF(text), nil
	case ext == ".icacls" || ext == ".acl":
		return newICACLS(text), nil
	case len(first) > 0 && first[0] == '{':
		return Lines(text, 0, 0), nil
	case bytes.HasPrefix(first, []byte("dn:")) || bytes.HasPrefix(first, []byte("version:")):
		return newLDIF(text), nil
	case wide && ext == "":
		return newICACLS(text), nil
	case len(first) > 0 && bytes.IndexByte(firstLine(first), ',') >= 0:
		return newCSV(text), nil
	}
	return Lines(text, 0, 0), nil
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i]
	}
	return b
}

// utf16Reader turns UTF-16 with a byte order mark into UTF-8.
type utf16Reader struct {
	in   *bufio.Reader
	big  bool
	open bool
	high uint16 // of a surrogate pair, or 0
	out  []byte
}

// Read reads text.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		var unit [2]byte
		if _, err := io.ReadFull(u.in, unit[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errors.New("the UTF-16 text ends inside a character")
			}
			return 0, err
		}
		v := uint16(unit[0]) | uint16(unit[1])<<8
		if u.big {
			v = v>>8 | v<<8
		}
		switch {
		case !u.open:
			u.open, u.big = true, v == 0xFFFE
		case u.high != 0:
			u.out = append(u.out, string(utf16.DecodeRune(rune(u.high), rune(v)))...)
			u.high = 0
		case utf16.IsSurrogate(rune(v)) && v < 0xDC00:
			u.high = v
		default:
			u.out = append(u.out, string(rune(v))...)
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// gather fills a batch from a source that gives objects one by one.
func gather(b *portion, one func(o *Object) error) error {
	b.objects = make([]Object, 0, rowsPerPortion)
	for len(b.objects) < rowsPerPortion {
		var o Object
		err := one(&o)
		if errors.Is(err, io.EOF) {
			if len(b.objects) == 0 {
				return io.EOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		b.objects = append(b.objects, o)
	}
	return nil
}

// csvSource reads a heading and rows. Columns are found by the names that
// Get-Acl exports and this program's own rows have, in any case.
type csvSource struct {
	r             *csv.Reader
	path, sd, typ int
	begun         bool
}

func newCSV(in io.Reader) *csvSource {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	return &csvSource{r: r}
}

func (c *csvSource) next(b *portion) error { return gather(b, c.one) }

func (c *csvSource) one(o *Object) error {
	if !c.begun {
		if err := c.heading(); err != nil {
			return err
		}
	}
	row, err := c.r.Read()
	if errors.Is(err, io.EOF) {
		return err
	}
	if err != nil {
		var bad *csv.ParseError
		if !errors.As(err, &bad) {
			return fmt.Errorf("read objects: %w", err)
		}
		o.Path, o.err = []byte(fmt.Sprintf("line %d", bad.Line)), err
		return nil
	}
	line, _ := c.r.FieldPos(0) // a row that was read has a field
	if c.path >= len(row) || c.sd >= len(row) {
		o.Path, o.err = []byte(fmt.Sprintf("line %d", line)), fmt.Errorf("line %d: there are only %d columns", line, len(row))
		return nil
	}
	o.Path, o.sd = []byte(trimProvider(row[c.path])), []byte(row[c.sd])
	if o.form = formOf(o.sd); o.form == formNone {
		o.err = fmt.Errorf("line %d: there is no descriptor", line)
	}
	if c.typ >= 0 && c.typ < len(row) && row[c.typ] != "" {
		if o.Type = winnt.ObjectTypeByName(row[c.typ]); o.Type == nil {
			o.err = fmt.Errorf("line %d: type %q is no type of object", line, row[c.typ])
		}
	}
	return nil
}

func (c *csvSource) heading() error {
	row, err := c.r.Read()
	if errors.Is(err, io.EOF) {
		return err
	}
	if err != nil {
		return fmt.Errorf("read objects: heading: %w", err)
	}
	if strings.HasPrefix(strings.TrimPrefix(row[0], "\xef\xbb\xbf"), "#TYPE") { // ConvertTo-Csv of old
		return c.heading()
	}
	c.begun, c.path, c.sd, c.typ = true, -1, -1, -1
	for i, name := range row {
		switch strings.ToLower(strings.TrimPrefix(name, "\xef\xbb\xbf")) {
		case "path", "pspath", "fullname", "name", "dn", "distinguishedname":
			if c.path < 0 {
				c.path = i
			}
		case "sd", "sddl", "sdhex", "sdbase64", "descriptor", "ntsecuritydescriptor":
			if c.sd < 0 {
				c.sd = i
			}
		case "type":
			c.typ = i
		}
	}
	if c.path < 0 || c.sd < 0 {
		return fmt.Errorf("read objects: the heading %q has no column path, or none of sd, sddl, sdHex, sdBase64", strings.Join(row, ","))
	}
	return nil
}

// trimProvider drops what PowerShell puts before a path.
func trimProvider(p string) string {
	if strings.HasPrefix(p, "Microsoft.PowerShell.") {
		if _, after, ok := strings.Cut(p, "::"); ok {
			return after
		}
	}
	return p
}

// icacls reads what "icacls PATH /save FILE" writes: a line with the path, a
// line with the SDDL.
type icacls struct {
	r      *bufio.Scanner
	number int
}

func newICACLS(in io.Reader) *icacls {
	s := bufio.NewScanner(in)
	s.Buffer(nil, MaxLine)
	return &icacls{r: s}
}

func (c *icacls) next(b *portion) error { return gather(b, c.one) }

func (c *icacls) line() (string, error) {
	for c.r.Scan() {
		c.number++
		if text := strings.TrimSuffix(c.r.Text(), "\r"); text != "" {
			return text, nil
		}
	}
	if err := c.r.Err(); err != nil {
		return "", fmt.Errorf("read objects: %w", err)
	}
	return "", io.EOF
}

func (c *icacls) one(o *Object) error {
	name, err := c.line()
	if err != nil {
		return err
	}
	o.Path = []byte(name)
	text, err := c.line()
	if errors.Is(err, io.EOF) {
		o.err = fmt.Errorf("line %d: the path is the last line, its descriptor is missing", c.number)
		return nil
	}
	o.sd, o.form = []byte(text), formSDDL
	return err
}

// ldif reads dn and nTSecurityDescriptor of the entries of an LDIF file.
type ldif struct {
	r      *bufio.Scanner
	number int
	held   string // the next line, already read
	have   bool
}

func newLDIF(in io.Reader) *ldif {
	s := bufio.NewScanner(in)
	s.Buffer(nil, MaxLine)
	return &ldif{r: s}
}

func (l *ldif) next(b *portion) error { return gather(b, l.one) }

func (l *ldif) raw() (string, bool) {
	if l.have {
		l.have = false
		return l.held, true
	}
	if !l.r.Scan() {
		return "", false
	}
	l.number++
	return strings.TrimSuffix(l.r.Text(), "\r"), true
}

// line is a line with its continuations.
func (l *ldif) line() (string, bool) {
	text, ok := l.raw()
	if !ok {
		return "", false
	}
	if !l.r.Scan() {
		return text, true
	}
	var b strings.Builder
	b.WriteString(text)
	for more := true; more; more = l.r.Scan() {
		l.number++
		next := strings.TrimSuffix(l.r.Text(), "\r")
		if !strings.HasPrefix(next, " ") {
			l.held, l.have = next, true
			break
		}
		b.WriteString(next[1:])
	}
	return b.String(), true
}

func (l *ldif) one(o *Object) error {
	for {
		found, ended, err := l.entry(o)
		if err != nil || found {
			return err
		}
		if ended {
			return io.EOF
		}
	}
}

// entry reads up to the next empty line.
func (l *ldif) entry(o *Object) (found, ended bool, err error) {
	*o = Object{Type: winnt.DirectoryServiceObject}
	for {
		text, ok := l.line()
		if !ok {
			if err := l.r.Err(); err != nil {
				return false, true, fmt.Errorf("read objects: %w", err)
			}
			ended = true
			break
		}
		if text == "" {
			break
		}
		if text[0] == '#' {
			continue
		}
		name, value, ok := ldifValue(text)
		switch {
		case strings.EqualFold(name, "dn"):
			o.Path = value
			if !ok {
				o.err = fmt.Errorf("line %d: dn: wrong base64", l.number)
			}
		case strings.EqualFold(name, "nTSecurityDescriptor"):
			o.sd, o.form = value, formBinary
			if !ok {
				o.err = fmt.Errorf("line %d: nTSecurityDescriptor: wrong base64", l.number)
			}
		}
	}
	if o.Path == nil {
		return false, ended, nil
	}
	if o.form == formNone && o.err == nil {
		o.err = fmt.Errorf("the entry that ends at line %d has no nTSecurityDescriptor: ask for it by name, with the right to read it", l.number)
	}
	return true, ended, nil
}

// ldifValue takes "name: text" or "name:: base64" apart.
func ldifValue(line string) (name string, value []byte, ok bool) {
	name, rest, _ := strings.Cut(line, ":")
	if coded, is := strings.CutPrefix(rest, ":"); is {
		value, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
		return name, value, err == nil
	}
	return name, []byte(strings.TrimPrefix(rest, " ")), true
}
