package mutants

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// statements returns the statements of a block or a case, and nil for another node.
func statements(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

// closing are the beginnings of the names of functions that undo or release something. Unlocking is not among them: the
// lock's next user would wait until the test's time is over.
var closing = []string{"Close", "close", "clear", "delete", "Delete", "drop", "Drop", "end", "Forget", "forget",
	"free", "Free", "release", "Release", "remove", "Remove", "Stop", "stop", "Unlink", "Unmount", "Wipe", "wipe"}

// cleanups removes deferred calls, and calls that release or remove something.
func (s *site) cleanups(name string, n ast.Node) {
	for _, st := range statements(n) {
		var call *ast.CallExpr
		switch st := st.(type) {
		case *ast.DeferStmt:
			if !strings.HasSuffix(calledName(st.Call), "Unlock") {
				s.replace(name, st, "")
			}
			continue
		case *ast.ExprStmt:
			call, _ = st.X.(*ast.CallExpr)
		}
		if call == nil {
			continue
		}
		called := calledName(call)
		if slices.ContainsFunc(closing, func(c string) bool { return strings.HasPrefix(called, c) }) {
			s.replace(name, st, "")
		}
	}
}

// staleValues removes assignments to variables that outlive the statement: fields, elements and targets of pointers.
func (s *site) staleValues(name string, n ast.Node) {
	for _, st := range statements(n) {
		var to ast.Expr
		switch st := st.(type) {
		case *ast.AssignStmt:
			if st.Tok != token.DEFINE && len(st.Lhs) == 1 {
				to = st.Lhs[0]
			}
		case *ast.IncDecStmt:
			to = st.X
		}
		switch to.(type) {
		case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
			s.replace(name, st, "")
		}
	}
}

// keyParts removes a field of a struct literal, such as a part of a cache's key.
func (s *site) keyParts(name string, n ast.Node) {
	lit, ok := n.(*ast.CompositeLit)
	if !ok {
		return
	}
	t := s.typeOf(lit)
	if t == nil {
		return
	}
	if _, ok := t.Underlying().(*types.Struct); !ok {
		return
	}
	for i, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return
		}
		from, to := kv.Pos(), kv.End()
		if i+1 < len(lit.Elts) {
			to = lit.Elts[i+1].Pos()
		} else if i > 0 {
			from = lit.Elts[i-1].End()
		}
		after := s.text(lit.Pos(), from) + s.text(to, lit.End())
		s.edits = append(s.edits, Edit{Operator: name, Old: line(s.of(lit)), New: line(after), at: from, end: to})
	}
}

// siblings replaces a variable by another variable of the function with the same type, or a field by another field
// of its struct.
func (s *site) siblings(name string, n ast.Node) {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if sel := s.info.Selections[n]; sel != nil && sel.Kind() == types.FieldVal && len(sel.Index()) == 1 {
			for _, f := range s.fieldsLike(sel) {
				s.within(name, n, n.Sel, f)
			}
		}
	case *ast.CallExpr:
		s.variablesIn(name, n, n.Args...)
	case *ast.BinaryExpr:
		s.variablesIn(name, n, n.X, n.Y)
	case *ast.ReturnStmt:
		s.variablesIn(name, n, n.Results...)
	case *ast.IndexExpr:
		s.variablesIn(name, n, n.Index)
	}
}

// fieldsLike returns the names of the selected field's siblings that have its type.
func (s *site) fieldsLike(sel *types.Selection) (names []string) {
	recv := sel.Recv()
	if p, ok := recv.Underlying().(*types.Pointer); ok {
		recv = p.Elem()
	}
	st, ok := recv.Underlying().(*types.Struct)
	if !ok {
		return nil
	}
	for f := range st.Fields() {
		if f != sel.Obj() && f.Name() != "_" && (f.Exported() || f.Pkg() == s.pkg) && types.Identical(f.Type(), sel.Type()) {
			names = append(names, f.Name())
		}
	}
	return names
}

// variablesIn replaces each operand of a node that is a local variable by another one of its type.
func (s *site) variablesIn(name string, whole ast.Node, operands ...ast.Expr) {
	for _, e := range operands {
		id, ok := e.(*ast.Ident)
		if !ok || s.silent[e] {
			continue
		}
		v, ok := s.info.Uses[id].(*types.Var)
		if !ok || v.Parent() == nil || v.Parent() == s.pkg.Scope() {
			continue
		}
		for _, other := range s.variablesLike(id, v) {
			s.within(name, whole, id, other)
		}
	}
}

// variablesLike returns the names of the function's other variables that have type v's and are in scope at id.
func (s *site) variablesLike(id *ast.Ident, v *types.Var) (names []string) {
	inner := s.pkg.Scope().Innermost(id.Pos())
	for scope := inner; scope != nil && scope.Parent() != s.pkg.Scope(); scope = scope.Parent() {
		for _, n := range scope.Names() {
			o, ok := scope.Lookup(n).(*types.Var)
			if !ok || o == v || n == "_" || o.Pos() >= id.Pos() || !types.Identical(o.Type(), v.Type()) {
				continue
			}
			if _, seen := inner.LookupParent(n, id.Pos()); seen == o {
				names = append(names, n)
			}
		}
	}
	return names
}

// siblingConstants replaces a constant by its neighbours: the constants of its type, in the order of names.
func (s *site) siblingConstants(name string, n ast.Node) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return
	}
	c, ok := s.info.Uses[sel.Sel].(*types.Const)
	if !ok || c.Pkg() == nil || c.Parent() != c.Pkg().Scope() {
		return
	}
	if _, ok := c.Type().(*types.Named); !ok {
		return
	}
	var like []string
	for _, other := range c.Pkg().Scope().Names() {
		o, ok := c.Pkg().Scope().Lookup(other).(*types.Const)
		if !ok || !o.Exported() || !types.Identical(o.Type(), c.Type()) {
			continue
		}
		if o == c || o.Val().ExactString() != c.Val().ExactString() {
			like = append(like, other)
		}
	}
	at := slices.Index(like, c.Name())
	for _, i := range []int{at - 1, at + 1} {
		if at >= 0 && i >= 0 && i < len(like) {
			s.within(name, n, sel.Sel, like[i])
		}
	}
}
