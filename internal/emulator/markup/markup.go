// Package markup writes HTML: pages are Go code, a function for each element and attribute. Texts
// and the values of attributes are escaped. Nothing is checked beyond that: a URL that comes from
// outside must not stand at the start of an href, src or action.
package markup

import (
	"bytes"
	"html"
	"strings"
)

// A Node is an element, an attribute, a text, or a Group of them.
type Node interface {
	// attributes and content write what belongs into the start tag, and what follows it.
	attributes(b *bytes.Buffer)
	content(b *bytes.Buffer)
}

// Render returns the document that a node is.
func Render(n Node) []byte {
	var b bytes.Buffer
	b.WriteString("<!doctype html>")
	n.content(&b)
	return b.Bytes()
}

// A Group stands for its nodes. Nil is nothing.
type Group []Node

func (g Group) attributes(b *bytes.Buffer) {
	for _, n := range g {
		n.attributes(b)
	}
}

func (g Group) content(b *bytes.Buffer) {
	for _, n := range g {
		n.content(b)
	}
}

// If returns the node, or nothing.
func If(condition bool, n Node) Node {
	if condition {
		return n
	}
	return Group(nil)
}

// Map returns a node for each of all.
func Map[T any](all []T, show func(T) Node) Group {
	nodes := make(Group, len(all))
	for i, one := range all {
		nodes[i] = show(one)
	}
	return nodes
}

// Text is text, which is escaped.
type Text string

func (t Text) attributes(*bytes.Buffer) {}

func (t Text) content(b *bytes.Buffer) { b.WriteString(escape(string(t))) }

// escape also replaces what no HTML may have.
func escape(text string) string {
	return html.EscapeString(strings.ReplaceAll(text, "\x00", "\uFFFD"))
}

type attribute struct {
	name, value string
	isFlag      bool // it has no value
}

func (a attribute) attributes(b *bytes.Buffer) {
	b.WriteString(" " + a.name)
	if !a.isFlag {
		b.WriteString(`="` + escape(a.value) + `"`)
	}
}

func (a attribute) content(*bytes.Buffer) {}

type element struct {
	name   string
	inside Group
	isVoid bool // it has no end tag
}

func (e element) attributes(*bytes.Buffer) {}

func (e element) content(b *bytes.Buffer) {
	b.WriteString("<" + e.name)
	e.inside.attributes(b)
	b.WriteString(">")
	if e.isVoid {
		return
	}
	e.inside.content(b)
	b.WriteString("</" + e.name + ">")
}

func of(name string, inside []Node) Node   { return element{name, inside, false} }
func void(name string, inside []Node) Node { return element{name, inside, true} }
