package strictyaml

import (
	"github.com/goccy/go-yaml/token"

	"github.com/refmon/refmon/internal/strict"
)

// MaxNames limits the names of one mapping in block style, because the parser's work grows with their square.
const MaxNames = 4096

// refused maps the unsupported token types to their names for errors.
var refused = map[token.Type]string{
	token.AnchorType:    "an anchor",
	token.AliasType:     "an alias",
	token.TagType:       "a tag",
	token.MergeKeyType:  "a merge key",
	token.DirectiveType: "a directive",
}

// check returns an error for tokens that must not reach the parser: anchors and other refused kinds, a second document,
// and nesting that is too deep. Comments are skipped. The error has the position of the token.
func check(words token.Tokens) error {
	var n nesting
	begun, ended := false, false
	for _, w := range words {
		if what := refused[w.Type]; what != "" {
			return fail(w, "%s (%s) is not read: write the value out", what, strict.Clip(w.Value))
		}
		switch {
		case w.Type == token.CommentType:
			continue
		case w.Type == token.DocumentHeaderType && begun, ended:
			return fail(w, "a second document begins: want one")
		case w.Type == token.DocumentEndType:
			ended = true
		}
		begun = true
		if err := n.add(w); err != nil {
			return err
		}
	}
	return nil
}

// nesting tracks the depth of a token: blocks by column, and lists and mappings in brackets.
type nesting struct {
	blocks []block
	flow   int
	before *token.Token // the last word that was not a comment
}

// block is a list or mapping in block style.
type block struct{ column, names int }

// add counts the next token. It returns an error if the document is nested deeper than strict.MaxDepth, or a mapping
// has more than MaxNames names. Indented blocks and brackets both count as levels.
func (n *nesting) add(w *token.Token) error {
	switch w.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
	case token.SequenceEndType, token.MappingEndType:
		n.flow--
	}
	if n.flow <= 0 {
		switch {
		case w.Type == token.SequenceEntryType, w.Type == token.MappingKeyType:
			n.open(w.Position.Column)
		case w.Type == token.MappingValueType && n.before != nil:
			n.open(n.before.Position.Column)
			if b := &n.blocks[len(n.blocks)-1]; b.names == MaxNames {
				return fail(w, "a mapping has more than %d names", MaxNames)
			} else {
				b.names++
			}
		}
	}
	n.before = w
	if len(n.blocks)+n.flow > strict.MaxDepth {
		return fail(w, "nested more than %d deep", strict.MaxDepth)
	}
	return nil
}

// open starts or continues the block at a column. It closes the blocks to the right of it.
func (n *nesting) open(column int) {
	for len(n.blocks) > 0 && n.blocks[len(n.blocks)-1].column > column {
		n.blocks = n.blocks[:len(n.blocks)-1]
	}
	if len(n.blocks) == 0 || n.blocks[len(n.blocks)-1].column < column {
		n.blocks = append(n.blocks, block{column: column})
	}
}
