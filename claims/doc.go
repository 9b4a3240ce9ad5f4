// Package claims holds claim attributes and the conditional expressions of
// callback entries: their binary and text forms, and what they evaluate to.
//
// An [Attribute] is one named list of values: a claim of a token, or the body
// of a resource-attribute entry (MS-DTYP 2.4.10.1). A [Set] is an immutable
// list of them, looked up by name. An [Expr] is a compiled condition (MS-DTYP
// 2.4.4.17): [Decode] and [Expr.Encode] are its byte form, [ParseExpr] and
// [Expr.Format] its text. [Expr.Eval] answers True, False or Unknown; an
// allow entry needs True, a deny entry applies unless False.
//
//	e, _, err := claims.ParseExpr(`(@User.Level >= 3)`, claims.ParseOptions{})
//	if err != nil {
//		return err
//	}
//	switch e.Eval(env) { … }
//
// Who is a member, and where attributes come from, is the caller's [Env]: it
// knows whether the entry allows or denies and which pass of the access check
// is running.
//
// # Strings
//
// Windows strings are sequences of UTF-16 units, lone surrogates included.
// Strings of this package are UTF-8; a lone surrogate is kept as its three
// generalised UTF-8 bytes, so every decoded string encodes to the same units.
//
// # Guards
//
// Sets and expressions never change once made and may be used from any
// goroutine. An Attribute is plain data; code that shares one must not write to
// its slices. Evaluation allocates nothing, takes no lock and ends after
// a number of steps bounded by the size of the expression and its attributes.
package claims
