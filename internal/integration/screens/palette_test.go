package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPaletteKeepsTheCommonColours(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 400, 3))
	for x := range 400 {
		picture.Set(x, 0, color.NRGBA{A: 0}) // transparent, as outside of the window
		picture.Set(x, 1, color.NRGBA{10, 102, 90, 255})
		picture.Set(x, 2, color.NRGBA{uint8(x), uint8(x / 2), 0, 255}) // more than a palette has
	}
	var data bytes.Buffer
	require.NoError(t, png.Encode(&data, picture))
	reduced, err := withPalette(data.Bytes())
	require.NoError(t, err)
	again, err := withPalette(data.Bytes())
	require.NoError(t, err)
	assert.Equal(t, reduced, again, "the same bytes")
	decoded, err := png.Decode(bytes.NewReader(reduced))
	require.NoError(t, err)
	require.IsType(t, &image.Paletted{}, decoded)
	assert.Len(t, decoded.(*image.Paletted).Palette, 256)
	assert.Equal(t, color.NRGBA{}, color.NRGBAModel.Convert(decoded.At(7, 0)))
	assert.Equal(t, color.NRGBA{10, 102, 90, 255}, color.NRGBAModel.Convert(decoded.At(7, 1)))
}
