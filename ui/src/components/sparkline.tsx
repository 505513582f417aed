// A few numbers as a line. What it shows stands beside it as a number.
export function Sparkline({
  points,
  slots,
  label,
}: {
  points: number[];
  slots: number;
  label: string;
}) {
  const width = 240;
  const height = 40;
  const most = Math.max(...points, 1);
  const at = (value: number, i: number) => {
    const x = width - ((points.length - 1 - i) * width) / (slots - 1);
    return `${x.toFixed(1)} ${(height - 2 - (value / most) * (height - 6)).toFixed(1)}`;
  };
  const line = points.map(at).join('L');
  const first = width - ((points.length - 1) * width) / (slots - 1);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label + ', of the last minutes'}
    >
      {points.length > 1 && (
        <>
          <path class="area" d={`M${first.toFixed(1)} ${height}L${line}L${width} ${height}z`} />
          <path class="line" d={'M' + line} />
        </>
      )}
    </svg>
  );
}
