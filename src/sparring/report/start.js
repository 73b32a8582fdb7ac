// The page as a whole

document.querySelector(".key").hidden = !data.charts.length;
const more = document.getElementById("more");
more.hidden = !data.charts.some(chart => chart.minor);
data.charts.forEach((chart, number) =>
  drawChart(chart.minor ? more.querySelector(".charts") : document.getElementById("curves"), chart, number));
const scrubber = data.previews.length ? scrub() : null;
if (scrubber) enlarge(scrubber);
if (data.live) follow(data.live, scrubber);
