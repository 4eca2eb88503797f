# The plot of get time against the number of keys: gnuplot -e "data='FILE'; output='FILE'; format='svg'" get-time.gp
if (format eq "svg") set terminal svg size 800,480 font "sans-serif,13" background "white"
if (format eq "png") set terminal pngcairo size 1600,960 font "sans-serif,22" linewidth 2
set output output
set datafile missing "?"
set title "Get of 64 bytes, each key equally likely"
set xlabel "keys"
set ylabel "ns (median)"
set logscale xy
set format x "10^{%L}"
set xrange [1000:*]
set yrange [1:*]
set grid
set key top left
plot data using 1:4 with linespoints title "LMDB on tmpfs", \
    data using 1:3 with linespoints title "sharedmemd by name", \
    data using 1:2 with linespoints title "sharedmemd by handle", \
    data using 1:5 with linespoints dashtype 2 title "C sequence lock with look-up"
