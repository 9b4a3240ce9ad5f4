package objects_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// gathered is a source of the objects that the function returns.
type gathered func(o *objects.Object) error

func (f gathered) Next(b *objects.Batch) error { return objects.Gather(b, f) }

// sourceOf returns a source of objects, which are in SDDL unless they have another form. After the last it returns end
// once, and then io.EOF.
func sourceOf(end error, list ...objects.Object) objects.Source {
	at := -1
	return gathered(func(o *objects.Object) error {
		switch at++; {
		case at == len(list):
			return end
		case at > len(list):
			return io.EOF
		}
		if *o = list[at]; o.Form == objects.FormNone {
			o.Form = objects.FormSDDL
		}
		return nil
	})
}

// halting counts how often it is halted.
type halting struct {
	objects.Source
	halts int
}

func (h *halting) Halt() { h.halts++ }

// TestFindPassesErrorsOfOtherObjects checks that the object of a path is found, also behind errors of others; one that
// cannot be read is its error, and so is an error of the source.
func TestFindPassesErrorsOfOtherObjects(t *testing.T) {
	failed := errors.New("failed")
	find := func(path string, end error) (objects.Item, error) {
		s := sourceOf(end, objects.Object{Path: []byte("bad"), SD: []byte("x")},
			objects.Object{Path: []byte("a"), SD: []byte("D:")}, objects.Object{Path: []byte("a"), SD: []byte("O:BA")})
		return objects.Find(context.Background(), s, objects.NewName(path, nil), sid.SID{}, winnt.FileObject)
	}
	i, err := find("a", io.EOF)
	check.That(t, err == nil && i.Descriptor != nil && i.Descriptor.Owner().IsZero() && i.Type == winnt.FileObject,
		"a: %+v, %v, want the first", i, err)
	_, err = find("bad", io.EOF)
	check.That(t, err != nil && !errors.Is(err, objects.ErrNotFound), "bad: %v, want its own error", err)
	i, err = find("none", io.EOF)
	check.ErrorIs(t, err, objects.ErrNotFound, "none")
	check.That(t, err != nil && strings.Contains(err.Error(), `"none"`) && i.Err == err, "none: %v, %v", i.Err, err)
	_, err = find("none", failed)
	check.ErrorIs(t, err, failed, "none in a source that fails")
}

// A reading ends when the caller stops it, when its context is cancelled and when a visit fails. It always halts its
// source.
func TestReadingEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	list := make([]objects.Object, 3)
	n := 0
	two := func(objects.Item) bool { n++; return n < 2 }
	err := objects.All(ctx, sourceOf(io.EOF, list...), sid.SID{}, nil, two)
	check.That(t, err == nil && n == 2, "stopped after 2: %d, %v, want 2, nil", n, err)
	failed := errors.New("enough")
	fails := func(*objects.Batch, *objects.Object) error { n++; return failed }
	s := &halting{Source: sourceOf(io.EOF, list...)}
	err = objects.Each(ctx, s, fails)
	check.That(t, err == failed && n == 3 && s.halts == 1,
		"a visit that fails: %d, %v, halted %d times, want 1 more, %v", n, err, s.halts, failed)
	cancel()
	err = objects.All(ctx, sourceOf(io.EOF, list...), sid.SID{}, nil, two)
	check.That(t, errors.Is(err, context.Canceled) && n == 3, "cancelled: %d, %v, want none, %v", n, err,
		context.Canceled)
}

// An object with the name of the path in full is found, though others have the name as accounts.
func TestPathPrecedesAccountNames(t *testing.T) {
	list := []objects.Object{{Path: []byte("CN=1"), Entry: &objects.Entry{Name: "x"}},
		{Path: []byte("CN=2"), Entry: &objects.Entry{Name: "x"}}, {Path: []byte(`D\x`)}}
	find := func(list ...objects.Object) (objects.Item, error) {
		s := sourceOf(io.EOF, list...)
		return objects.Find(context.Background(), s, objects.NewName(`D\x`, nil), sid.SID{}, winnt.FileObject)
	}
	i, err := find(list...)
	check.That(t, err == nil && i.Path == `D\x`, "x: %+v, %v", i, err)
	_, err = find(list[:2]...)
	check.ErrorIs(t, err, objects.ErrAmbiguous, "two accounts")
}

// An item has all of its object. Its type defaults to that of the run, and a malformed search descriptor is nil.
func TestItemHasAllOfItsObject(t *testing.T) {
	search := check.Must(sddl.Parse("D:(A;;FX;;;WD)", sddl.Options{})).Binary()
	entry := &objects.Entry{Name: "x"}
	s := sourceOf(io.EOF,
		objects.Object{Path: []byte("a"), Line: 7, Type: winnt.KeyObject, Note: objects.NoteStale, Entry: entry,
			Inode: 9, SD: []byte("O:BA"), Search: search},
		objects.Object{Path: []byte("b"), SD: []byte("O:BA"), Search: []byte("x")})
	var got []string
	check.NoError(t, objects.All(context.Background(), s, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
		text := func(d *sd.Descriptor) string {
			if d == nil {
				return "none"
			}
			return check.Must(sddl.Format(d, sddl.Options{}))
		}
		got = append(got, fmt.Sprint(i.Path, i.Line, objects.TypeName(i.Type), i.Note == objects.NoteStale,
			i.Note == objects.NoteNoDACL, i.Entry == entry, i.Inode, text(i.Descriptor), text(i.Search), i.Err))
		return true
	}))
	check.SlicesEqual(t, got, []string{"a7keytrue false true 9O:BAD:(A;;FX;;;WD)<nil>",
		"b0filefalse true false 0O:BAnone<nil>"}, "items")
	check.Equal(t, objects.NoteNoDACL.String(), accessquery.NoDACL, "text of the note")
}

// Each object has its own descriptor, though others have its path; equal ones are parsed once.
func TestItemsKeepDescriptorsOfEqualPaths(t *testing.T) {
	sds := []string{"O:BAG:BAD:(A;;FA;;;DU)", "O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:BA", "O:"}
	var list []objects.Object
	for i := range 12 {
		list = append(list, objects.Object{Path: fmt.Appendf(nil, "/%d", i/4%2), SD: []byte(sds[i%4])})
	}
	domain := sid.MustParse("S-1-5-21-1-2-3")
	var first []*sd.Descriptor
	n, s := 0, sourceOf(io.EOF, list...)
	check.NoError(t, objects.All(context.Background(), s, domain, nil, func(i objects.Item) bool {
		if n < 4 {
			first = append(first, i.Descriptor)
		}
		text := "O:"
		if i.Err == nil {
			text = check.Must(sddl.Format(i.Descriptor, sddl.Options{Domain: domain}))
		}
		check.Equal(t, i.Path+" "+text, string(list[n].Path)+" "+sds[n%4], "item %d", n)
		check.That(t, i.Descriptor == first[n%4], "item %d does not have the descriptor of item %d", n, n%4)
		n++
		return true
	}))
	check.Equal(t, n, len(list), "items")
	text := hex.EncodeToString(sd.New(sd.Parts{Owner: domain}).Binary()) // as base64 it is no descriptor
	var read []bool
	s = sourceOf(io.EOF, objects.Object{SD: []byte(text), Form: objects.FormHex},
		objects.Object{SD: []byte(text), Form: objects.FormBase64})
	check.NoError(t, objects.All(context.Background(), s, domain, nil, func(i objects.Item) bool {
		read = append(read, i.Err == nil)
		return true
	}))
	check.SlicesEqual(t, read, []bool{true, false}, "one text in two forms is a descriptor")
}

// A reading keeps at most 16384 parsed descriptors.
func TestParsedDescriptorsAreLimited(t *testing.T) {
	const limit = 1 << 14
	var list []objects.Object
	for i := range limit + 1 {
		owner := sid.MustParse("S-1-5-21-1-2-3").WithRID(uint32(i))
		raw := sd.New(sd.Parts{Owner: owner}).Binary()
		list = append(list, objects.Object{SD: raw, Form: objects.FormBinary})
	}
	var got []*sd.Descriptor
	s := sourceOf(io.EOF, append(slices.Insert(list, limit, list[0]), list[0])...)
	check.NoError(t, objects.All(context.Background(), s, sid.SID{}, nil, func(i objects.Item) bool {
		got = append(got, i.Descriptor)
		return true
	}))
	check.That(t, got[limit] == got[0] && got[limit+2] != got[0], "the first descriptor is known after %d others: %t, "+
		"after %d: %t, want true, false", limit-1, got[limit] == got[0], limit, got[limit+2] == got[0])
}

// A reading keeps at most about 64 MiB of parsed descriptors, malformed ones included: the owner of files may give each
// of them another large descriptor.
func TestParsedDescriptorsAreLimitedInBytes(t *testing.T) {
	entry := check.Must(sd.NewACE(sd.AccessAllowed, 0, 1, sid.Everyone))
	aces := slices.Repeat([]sd.ACE{entry}, 3000)
	again := func(others int, malformed bool) bool {
		at := -1
		s := gathered(func(o *objects.Object) error {
			if at++; at > others+1 {
				return io.EOF
			}
			owner := sid.MustParse("S-1-5-21-1-2-3").WithRID(uint32(at % (others + 1)))
			o.SD = sd.New(sd.Parts{Owner: owner, DACL: check.Must(sd.NewACL(aces...))}).Binary()
			if o.Form = objects.FormBinary; malformed {
				o.SD[0] = 9
			}
			return nil
		})
		var got []objects.Item
		check.NoError(t, objects.All(context.Background(), s, sid.SID{}, nil, func(i objects.Item) bool {
			got = append(got, objects.Item{Descriptor: i.Descriptor, Err: i.Err})
			return true
		}))
		first, last := got[0], got[len(got)-1]
		return first.Descriptor == last.Descriptor && first.Err == last.Err
	}
	for _, malformed := range []bool{false, true} {
		few, many := again(100, malformed), again(700, malformed)
		check.That(t, few && !many, "malformed %t: the first descriptor is known after 100 others: %t, after 700: %t, "+
			"want true, false", malformed, few, many)
	}
}
