package objects_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// paths returns the paths of a source, "!" behind those that could not be read.
func paths(t *testing.T, s objects.Source) (out []string) {
	t.Helper()
	err := objects.Each(context.Background(), s, func(_ *objects.Batch, o *objects.Object) error {
		path := string(o.Path)
		if o.Err != nil {
			path += "!"
		}
		out = append(out, path)
		return nil
	})
	check.NoError(t, err)
	return out
}

// A choice by type and by glob keeps unreadable objects unless their type is known (U-105, U-106).
func TestChoiceKeepsUnreadableObjects(t *testing.T) {
	const lines = `{"path":"/s","sd":"D:","type":"directory"}
{"path":"/s/a.tmp","sd":"D:"}
{"path":"/s/tmp/b","sd":"D:","type":"file"}
{"path":"/s/c","type":"directory"}
{"path":"/s/d","sd":"D:","type":"nosuch"}
{"path":"C:\\s\\tmp\\e","sd":"D:"}
`
	dir, file := winnt.DirectoryFileObject, winnt.FileObject
	for _, c := range []struct {
		choice objects.Choice
		want   string
	}{
		{objects.Choice{}, `/s /s/a.tmp /s/tmp/b /s/c! /s/d! C:\s\tmp\e`},
		{objects.Choice{Only: dir, Type: file}, `/s /s/c! /s/d!`},
		{objects.Choice{Only: file, Type: file}, `/s/a.tmp /s/tmp/b /s/c! /s/d! C:\s\tmp\e`},
		{objects.Choice{Exclude: objects.Patterns{"tmp"}}, `/s /s/a.tmp /s/c! /s/d!`},
		{objects.Choice{Exclude: objects.Patterns{"*.tmp", "C:/s/tmp"}}, `/s /s/tmp/b /s/c! /s/d!`},
		{objects.Choice{Exclude: objects.Patterns{"/s/?"}}, `/s /s/a.tmp /s/tmp/b C:\s\tmp\e`},
		{objects.Choice{Exclude: objects.Patterns{"s"}}, ``},
	} {
		left := 0
		c.choice.LeftOut = func([]byte) { left++ }
		got := paths(t, objects.Choose(jsonl.Lines(strings.NewReader(lines), 0, 0), c.choice))
		check.SlicesEqual(t, got, strings.Fields(c.want), "%+v", c.choice)
		check.Equal(t, left+len(got), strings.Count(lines, "\n"), "%+v: objects chosen and left out", c.choice)
	}
	check.That(t, !objects.Patterns{"tmp"}.Above([]byte(`/s/a\tmp`)), "a backslash separates names of /s")
	names := []*objects.Name{objects.NewName("/s/c", nil), objects.NewName("/s", nil), objects.NewName("/s", nil)}
	got := paths(t, objects.Choose(jsonl.Lines(strings.NewReader(lines), 0, 0), objects.Choice{Names: names}))
	check.SlicesEqual(t, got, []string{"/s", "/s/c!"}, "objects of two names")
	check.Equal(t, fmt.Sprint(names[0].Found(), names[1].Found(), names[2].Found()), "1 1 1", "objects of each name")
	for _, bad := range []string{"/s/**/tmp", "**", "", "[", "a[]", `\\**`, "[a]**"} {
		check.That(t, (objects.Patterns{"ok", bad}).Check() != nil, "%q is a glob", bad)
	}
	for _, good := range []string{`\**`, "*\\*", "[**]", `[\]**]*`, "*[*]"} { // a literal star is no part of **
		check.NoError(t, objects.Patterns{good}.Check())
	}
	check.That(t, strings.Contains(fmt.Sprint(objects.Patterns{"/a/**"}.Check()), "instead of **"), "no word about **")
}
